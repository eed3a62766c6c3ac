import { AudioError } from '../audio-error.ts'

/** RFC 6716 §3.1: the low two bits of the first byte; 0 is a packet of one frame. */
const FRAME_COUNT_MASK = 0x03
/** RFC 6716 §3.2.1: lengths from here on take two bytes. */
const TWO_BYTE_LENGTH = 252

/**
 * Two mono packets as one of two streams (RFC 7845 §5.1.1.2): the first one gets its length, as RFC
 * 6716 appendix B has it, so that a reader finds the second.
 *
 *   ┌─────────┬────────┬─────────┬────────────────┐
 *   │ first's │ length │ first's │ all of second  │
 *   │ TOC     │ 1 or 2 │ frame   │                │
 *   └─────────┴────────┴─────────┴────────────────┘
 *
 * @throws {AudioError} `bad_data` unless `first` is a packet of one frame, which encoders make of
 * 20 ms.
 */
export function joinOpusPackets(first: Uint8Array, second: Uint8Array): Uint8Array {
  const toc = first[0]
  if (toc === undefined || (toc & FRAME_COUNT_MASK) !== 0) {
    throw new AudioError('bad_data', 'the Opus packet does not hold one frame')
  }
  const frame = first.subarray(1)
  const { length } = frame
  const low = TWO_BYTE_LENGTH + (length & 3)
  const head = length < TWO_BYTE_LENGTH ? [toc, length] : [toc, low, (length - low) >> 2]
  const joined = new Uint8Array(head.length + length + second.length)
  joined.set(head)
  joined.set(frame, head.length)
  joined.set(second, head.length + length)
  return joined
}
