/** What is wrong with audio that came from outside. */
export type AudioErrorCode =
  | 'bad_header'
  | 'bad_data'
  | 'truncated'
  | 'unsupported_format'
  | 'unsupported_rate'

/** Audio could not be read or made. The message names what was found, for people. */
export class AudioError extends Error {
  override readonly name = 'AudioError'
  readonly code: AudioErrorCode

  constructor(code: AudioErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
