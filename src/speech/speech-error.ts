/** What went wrong, in words that do not depend on the vendor. */
export type SpeechErrorCode =
  | 'auth'
  | 'parameter'
  | 'quota'
  | 'rate'
  | 'audio'
  | 'text'
  | 'server'
  | 'network'
  | 'protocol'
  | 'unsupported'

/** A recognizer or synthesizer failed. The message is for people and holds no secret. */
export class SpeechError extends Error {
  override readonly name = 'SpeechError'
  readonly provider: string
  readonly code: SpeechErrorCode

  constructor(provider: string, code: SpeechErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.provider = provider
    this.code = code
  }
}
