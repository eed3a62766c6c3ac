/** What a leg could not get. `no_ports`: all of the range are taken, try again later. */
export type TransportErrorCode = 'no_ports' | 'port_in_use' | 'bind_failed'

/** A socket or a port could not be had. The message is for people. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
