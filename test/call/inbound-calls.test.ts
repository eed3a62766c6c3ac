import { describe, expect, test } from 'bun:test'
import { InboundCalls, type InboundOffer } from '#call/inbound-calls.ts'

/** A call that keeps what it is told. */
class FakeOffer implements InboundOffer {
  readonly caller = 'sip:alice@example.org'
  readonly callee = 'sip:bob@example.org'
  readonly sdp = ''
  onEnded: InboundOffer['onEnded']
  readonly rejections: number[] = []

  ring(): void {}

  reject(code: number): void {
    this.rejections.push(code)
  }

  createLeg(): never {
    throw new Error('nobody answers here')
  }
}

const waiter = () => {
  const offers: InboundOffer[] = []
  return { offers, offer: (offer: InboundOffer) => void offers.push(offer) }
}

describe('InboundCalls', () => {
  test('gives a call to who has waited longest, and each waiter one', () => {
    const calls = new InboundCalls()
    const [first, second] = [waiter(), waiter()]
    calls.wait(first, 'a')
    calls.wait(second, 'b')
    const offers = [new FakeOffer(), new FakeOffer(), new FakeOffer()] as const
    for (const offer of offers) calls.offer(offer)
    expect(first.offers).toEqual([offers[0]])
    expect(second.offers).toEqual([offers[1]])
    expect(offers[2].rejections).toEqual([480])
    expect(calls.stats).toEqual({ offered: 3, refused: 1 })
  })

  test('gives nothing to who has left', () => {
    const calls = new InboundCalls()
    const gone = waiter()
    calls.wait(gone, 'c')
    calls.leave(gone)
    calls.leave(gone)
    const offer = new FakeOffer()
    calls.offer(offer)
    expect(gone.offers).toEqual([])
    expect(offer.rejections).toEqual([480])
    expect(calls.waiting).toBe(0)
  })

  test('keeps a call for who asks for it, and for nobody else', () => {
    const calls = new InboundCalls()
    const [other, right] = [waiter(), waiter()]
    const offer = new FakeOffer()
    calls.keep('dialog-1', offer)
    calls.wait(other, 'x')
    calls.wait(right, 'dialog-1')
    expect(other.offers).toEqual([])
    expect(right.offers).toEqual([offer])
    calls.release('dialog-1', 503, 'too late')
    expect(offer.rejections).toEqual([])
  })

  test('forgets a kept call that is over, and refuses one that is released', () => {
    const calls = new InboundCalls()
    const [gone, refused] = [new FakeOffer(), new FakeOffer()]
    calls.keep('gone', gone)
    gone.onEnded?.({ reason: 'canceled', initiator: 'caller' })
    const late = waiter()
    calls.wait(late, 'gone')
    expect(late.offers).toEqual([])
    calls.keep('refused', refused)
    calls.release('refused', 503, 'nobody')
    expect(refused.rejections).toEqual([503])
  })
})
