import type { WebSocketHandler } from 'bun'
import type { CallSocket } from './call-socket.ts'

/** The largest message a client may send; more closes the socket with 1009. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024
/** Beyond what `CallSocket` allows to wait, so that its own bound is the one that acts. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024

/** Hands what Bun's sockets report to the `CallSocket` that each one carries. */
export const websocketHandler: WebSocketHandler<CallSocket> = {
  maxPayloadLength: MAX_MESSAGE_BYTES,
  backpressureLimit: MAX_BUFFERED_BYTES,
  // Call sockets ping by themselves, at the interval the client asked for.
  idleTimeout: 0,
  sendPings: false,
  // Audio does not compress, and events are too small to.
  perMessageDeflate: false,
  open: (ws) => ws.data.opened(ws),
  message: (ws, message) => ws.data.received(message),
  pong: (ws) => ws.data.ponged(),
  close: (ws, _code, reason) => ws.data.closed(reason),
}
