import type { Codec } from '#audio/codec/codec.ts'
import { ConcealingDecoder } from '#audio/concealment/concealing-decoder.ts'

/** What is heard in place of a lost packet. */
export type Filling = 'zeros' | 'repeat' | 'conceal'

/** Cuts `samples` into encoded frames of `frame` samples; leaves a rest out. */
export function encodeFrames(codec: Codec, samples: Int16Array, frame: number): Uint8Array[] {
  const encoder = codec.createEncoder()
  const payload = new Uint8Array(4 * frame)
  return Array.from({ length: Math.floor(samples.length / frame) }, (_, i) => {
    const bytes = encoder.encode(samples.subarray(i * frame, (i + 1) * frame), payload)
    return payload.slice(0, bytes)
  })
}

export interface Loss {
  readonly frame: number
  readonly filling: Filling
  readonly isLost: (index: number) => boolean
}

/** Decodes `payloads`, with those that are lost filled in. */
export function decodeWithLoss(
  codec: Codec,
  payloads: readonly Uint8Array[],
  { frame, filling, isLost }: Loss,
): Int16Array {
  const decoder = codec.createDecoder()
  const concealing = new ConcealingDecoder(codec.createDecoder())
  const output = new Int16Array(payloads.length * frame)
  payloads.forEach((payload, i) => {
    const samples = output.subarray(i * frame, (i + 1) * frame)
    if (filling === 'conceal') {
      if (isLost(i)) concealing.conceal(samples)
      else concealing.decode(payload, samples)
    } else if (!isLost(i)) {
      decoder.decode(payload, samples)
    } else if (filling === 'repeat' && i > 0) {
      samples.set(output.subarray((i - 1) * frame, i * frame))
    }
  })
  return output
}

/** Signal to error of `heard` against `wanted`, in dB. */
export function snrDb(wanted: Int16Array, heard: Int16Array): number {
  let signal = 0
  let error = 0
  for (let i = 0; i < wanted.length; i += 1) {
    signal += wanted[i]! ** 2
    error += (wanted[i]! - heard[i]!) ** 2
  }
  return 10 * Math.log10(signal / error)
}

/** The largest step from one sample to the next. */
export function largestStep(samples: Int16Array): number {
  let largest = 0
  for (let i = 1; i < samples.length; i += 1) {
    largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!))
  }
  return largest
}
