import { expect, test } from 'bun:test'
import { SipOffer } from '#app/sip-offer.ts'
import type { InboundCall } from '#transport/sip/inbound-call.ts'
import type { SipCallEnd, SipCallHandlers } from '#transport/sip/sip-call.ts'

/** A call to us that a test ends, and the reasons that its application is told. */
function offered() {
  let handlers: SipCallHandlers | undefined
  const call = {
    description: { from: 'sip:a@x', to: 'sip:b@x', offer: '', headers: [], callId: 'c' },
    attach: (given: SipCallHandlers) => {
      handlers = given
    },
    reject: ({ code }: { readonly code: number }) =>
      handlers?.onEnded({ by: 'local', reason: 'rejected', code }),
  }
  const offer = new SipOffer(call as unknown as InboundCall, 60_000, () => {
    throw new Error('nobody answers here')
  })
  const told: string[] = []
  offer.onEnded = ({ reason, initiator }) => told.push(`${reason} ${initiator}`)
  return { offer, told, end: (end: SipCallEnd) => handlers?.onEnded(end) }
}

test('an inbound call that the protocol gives up ends for its application too', () => {
  const { told, end } = offered()
  // A reliable 180 that is never acknowledged (RFC 3262 §3).
  end({ by: 'local', reason: 'no_ack', code: 504 })
  expect(told).toEqual(['no_ack system'])
})

test('an inbound call that its caller gives up says so', () => {
  const { told, end } = offered()
  end({ by: 'remote', reason: 'canceled', code: 487 })
  expect(told).toEqual(['canceled caller'])
})

test('an inbound call that was refused is not told of again', () => {
  const { offer, told } = offered()
  offer.reject(486)
  expect(told).toEqual([])
})
