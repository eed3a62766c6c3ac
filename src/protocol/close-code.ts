/** WebSocket close codes of a call socket (RFC 6455 §7.4; 4000 and up are our own). */
export const CLOSE_CODES = {
  ended: [1000, 'the call ended'],
  stopping: [1001, 'the server is stopping'],
  tooBig: [1009, 'a message was too big'],
  fault: [1011, 'internal fault'],
  badFirstMessage: [4400, 'the first message was no valid invite or accept'],
  keyRevoked: [4401, 'the API key was revoked'],
  noFirstMessage: [4408, 'no first message in time'],
  tooSlow: [4413, 'the client reads too slowly'],
  overLimit: [4429, 'over a limit'],
} as const satisfies Record<string, readonly [code: number, meaning: string]>

export type CloseReason = keyof typeof CLOSE_CODES
