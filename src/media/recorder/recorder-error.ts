export type RecorderErrorCode =
  /** The file may not be called so. */
  | 'bad_option'
  /** The file cannot be made or written. */
  | 'disk'
  /** The file is as long as its format allows. */
  | 'too_large'
  /** The Worker that writes died. */
  | 'internal'

/** A call cannot be recorded, or no longer. The message is for people. */
export class RecorderError extends Error {
  override readonly name = 'RecorderError'
  readonly code: RecorderErrorCode

  constructor(code: RecorderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
