import type { CloseReason } from '#protocol/close-code.ts'
import type { CallEvent } from '#protocol/event.ts'

/** The application on the other side of the socket, as a call sees it. Nothing here throws. */
export interface CallClient {
  /** Sends one event. Does nothing once the socket is gone. */
  send(event: CallEvent): void
  /** Sends one frame of payload bytes, which are borrowed. On the live path. */
  sendAudio(payload: Uint8Array): void
  /** Closes the socket after what was sent; the text is the hangup reason. */
  close(why: CloseReason, reason: string): void
}
