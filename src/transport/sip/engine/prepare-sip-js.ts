import { Core } from 'sip.js'
import { AllowedMethods } from 'sip.js/lib/core/user-agent-core/allowed-methods.js'
import { METHODS } from '../message/check-request.ts'
import { installFastGrammar } from './fast-grammar.ts'

let isPrepared = false

/**
 * Fits sip.js to datagrams, once for the process. It is written for WebSocket in a browser, where
 * nothing is lost and nothing repeated; all of these are exported and meant to be read, not
 * written, so `test/transport/sip/sip-js-contract.test.ts` watches that they still take effect.
 */
export function prepareSipJs(): void {
  if (isPrepared) return
  isPrepared = true
  installFastGrammar()
  // RFC 3261 table 4 for UDP: how long a finished transaction still knows a repeated message.
  Object.assign(Core.Timers, {
    TIMER_D: 32_000,
    TIMER_I: 5_000,
    TIMER_J: 32_000,
    TIMER_K: 5_000,
  })
  AllowedMethods.splice(0, AllowedMethods.length, ...METHODS)
  // Its own branches have 7 digits, of which two collide within an hour of busy traffic.
  Object.assign(Core.ClientTransaction, { makeId: branchFor })
}

function branchFor(request: Core.OutgoingRequestMessage): string {
  // RFC 3261 §9.1: a CANCEL is matched with its INVITE by the branch.
  if (request.method === 'CANCEL' && request.branch !== undefined) return request.branch
  return `z9hG4bK${crypto.randomUUID().replaceAll('-', '')}`
}
