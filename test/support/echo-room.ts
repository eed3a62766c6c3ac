import { findCodec } from '#audio/codec/find-codec.ts'
import { Resampler } from '#audio/resampler.ts'

/** Level of all speech before the room, RMS of its loud parts. */
const SPEECH_DB = -20

export interface EchoPath {
  readonly delayMs: number
  /** Level of the echo against what was sent; `undefined`: a headset. */
  readonly levelDb: number | undefined
  /** Room: noise that decays by 60 dB in this time follows the first sound, 6 dB below it. */
  readonly reverbMs?: number
  /** Noise at the far end, against speech of normal level. */
  readonly noiseDb?: number
  /** A loudspeaker that clips and has no treble. */
  readonly isPoorLoudspeaker?: boolean
  /** Both directions go through µ-law or A-law. */
  readonly codec?: 'pcmu' | 'pcma'
  /** From here on the path is so much longer. */
  readonly jump?: { readonly atMs: number; readonly byMs: number }
  /** From here on the echo is so much louder. */
  readonly louder?: { readonly atMs: number; readonly byDb: number }
}

/** Gives the same noise in every run: xorshift, -1 to 1. */
export function createNoise(seed = 0x2545f491): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}

/** A recording of 16 kHz from the fixtures, at normal level and at `sampleRate`. */
export async function recording(path: string, sampleRate: number): Promise<Float64Array> {
  const file = Bun.file(new URL(`../fixtures/${path}`, import.meta.url))
  return atNormalLevel(new Int16Array(await file.arrayBuffer()), 16_000, sampleRate)
}

/** Speech at the level that the room takes for normal. */
export function atNormalLevel(samples: Int16Array, fromRate: number, toRate: number): Float64Array {
  const resampler = new Resampler(fromRate, toRate)
  const converted = Float64Array.from([...resampler.resample(samples), ...resampler.flush()])
  const gain = (10 ** (SPEECH_DB / 20) * 32_768) / loudness(converted, toRate)
  return converted.map((sample) => sample * gain)
}

/** RMS of the frames that are less than 20 dB below the loudest. */
function loudness(samples: Float64Array, sampleRate: number): number {
  const size = sampleRate / 50
  const powers: number[] = []
  for (let at = 0; at + size <= samples.length; at += size) {
    powers.push(samples.subarray(at, at + size).reduce((sum, s) => sum + s * s, 0) / size)
  }
  const loudest = Math.max(...powers)
  const loud = powers.filter((power) => power > loudest / 100)
  return Math.sqrt(loud.reduce((sum, power) => sum + power, 0) / loud.length)
}

/** `parts` one after the other, again and again, until so many samples are full. */
export function loop(parts: readonly Float64Array[], length: number): Float64Array {
  const whole = new Float64Array(length)
  for (let at = 0, part = 0; at < length; part += 1) {
    const samples = parts[part % parts.length]!
    whole.set(samples.subarray(0, length - at), at)
    at += samples.length
  }
  return whole
}

export function scaled(samples: Float64Array, db: number): Float64Array {
  const gain = 10 ** (db / 20)
  return samples.map((sample) => sample * gain)
}

/** What the gateway gets back when it has sent `sent`, and the person there says `said`. */
export function hearBack(
  sent: Int16Array,
  said: Float64Array,
  sampleRate: number,
  path: EchoPath,
): Int16Array {
  const noise = createNoise()
  const noiseGain = 10 ** (((path.noiseDb ?? -60) + SPEECH_DB) / 20) * 32_768 * Math.sqrt(3)
  const echo = path.levelDb === undefined ? undefined : echoOf(sent, sampleRate, path)
  const heard = new Int16Array(sent.length)
  for (let i = 0; i < heard.length; i += 1) {
    const sum = (echo?.[i] ?? 0) + (said[i] ?? 0) + noise() * noiseGain
    heard[i] = Math.max(-32_768, Math.min(32_767, Math.round(sum)))
  }
  return throughCodec(heard, path.codec)
}

function echoOf(sent: Int16Array, sampleRate: number, path: EchoPath): Float64Array {
  const source = Float64Array.from(throughCodec(sent, path.codec))
  const played = path.isPoorLoudspeaker === true ? poorLoudspeaker(source, sampleRate) : source
  const room = impulseResponse(sampleRate, path.reverbMs ?? 0)
  const echo = new Float64Array(sent.length)
  for (let i = 0; i < played.length; i += 1) {
    const ms = (i * 1000) / sampleRate
    const delayMs = path.delayMs + (path.jump && ms >= path.jump.atMs ? path.jump.byMs : 0)
    const db = (path.levelDb ?? 0) + (path.louder && ms >= path.louder.atMs ? path.louder.byDb : 0)
    const value = played[i]! * 10 ** (db / 20)
    const from = i + Math.round((delayMs * sampleRate) / 1000)
    const end = Math.min(room.length, echo.length - from)
    for (let k = 0; k < end; k += 1) echo[from + k]! += value * room[k]!
  }
  return echo
}

/** Of energy 1, so that it leaves the level as it is. */
function impulseResponse(sampleRate: number, reverbMs: number): Float64Array {
  const room = new Float64Array(1 + Math.round((reverbMs * sampleRate) / 1000))
  const noise = createNoise(0x1234567)
  let energy = 0
  for (let k = 1; k < room.length; k += 1) {
    room[k] = noise() * 10 ** ((-3 * k) / room.length)
    energy += room[k]! ** 2
  }
  const tailGain = energy === 0 ? 0 : Math.sqrt(0.25 / energy)
  for (let k = 1; k < room.length; k += 1) room[k]! *= tailGain
  room[0] = 1
  const total = Math.sqrt(energy === 0 ? 1 : 1.25)
  return room.map((tap) => tap / total)
}

/** Clips 6 dB above normal speech, then loses treble above some 2 kHz and bass below 300 Hz. */
function poorLoudspeaker(samples: Float64Array, sampleRate: number): Float64Array {
  const limit = 10 ** ((SPEECH_DB + 6) / 20) * 32_768
  const lowPass = 1 - Math.exp((-2 * Math.PI * 2000) / sampleRate)
  const highPass = 1 - Math.exp((-2 * Math.PI * 300) / sampleRate)
  let low = 0
  let bass = 0
  return samples.map((sample) => {
    low += lowPass * (Math.max(-limit, Math.min(limit, sample)) - low)
    bass += highPass * (low - bass)
    return low - bass
  })
}

function throughCodec(samples: Int16Array, name: EchoPath['codec']): Int16Array {
  const codec = name === undefined ? undefined : findCodec(name)
  if (codec === undefined) return samples
  const payload = new Uint8Array(samples.length)
  codec.createEncoder().encode(samples, payload)
  const decoded = new Int16Array(samples.length)
  codec.createDecoder().decode(payload, decoded)
  return decoded
}
