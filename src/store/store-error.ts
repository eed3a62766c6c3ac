export type StoreErrorCode =
  | 'cannot_open'
  | 'in_use'
  | 'newer_schema'
  | 'bad_cursor'
  | 'read_failed'
  | 'unavailable'

/** The database cannot do what was asked. The message is for people. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
