import { CallError } from './call-error.ts'

export type CallState = 'idle' | 'ringing' | 'answered' | 'ended'

/**
 *   idle ──► ringing ──► answered ──► ended
 *     ├─────────────────────▲           ▲
 *     └──────────┴──────────────────────┘
 */
const NEXT: Record<CallState, readonly CallState[]> = {
  idle: ['ringing', 'answered', 'ended'],
  ringing: ['answered', 'ended'],
  answered: ['ended'],
  ended: [],
}

/**
 * The only way from one state to the next.
 *
 * @throws {CallError} `invalid_transition`
 */
export function nextState(from: CallState, to: CallState): CallState {
  if (!NEXT[from].includes(to)) throw new CallError('invalid_transition', `${from} -> ${to}`)
  return to
}
