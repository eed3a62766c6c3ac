import type { Decoder } from '../codec/codec.ts'
import { saturate } from '../saturate.ts'
import { Background } from './background.ts'
import { ComfortNoise } from './comfort-noise.ts'
import { WaveformRepeater } from './waveform-repeater.ts'

/** From when to when after the break the guess fades into comfort noise (G.711 Appendix I). */
const REPEATED_FADE_MS = { from: 10, to: 60 }
/** A codec's own guess fades by itself, and is good for longer. */
const OWN_FADE_MS = { from: 60, to: 100 }
/** Real audio fades in over this long, and longer after longer breaks. */
const MIN_JOIN_MS = 4
const MAX_JOIN_MS = 10

/**
 * A decoder that never falls silent: where packets are lost it goes on with the sound. It takes the
 * copy that the next packet holds (FEC), or asks the codec, or repeats the last period, and fades
 * into comfort noise at the level of the background when the loss lasts.
 *
 * State of one stream. Received frames cost a copy and a measurement of their level. The inner
 * decoder is left as it was during a loss: ADPCM finds its step again within a few milliseconds,
 * behind the overlap of the return.
 */
export class ConcealingDecoder {
  readonly sampleRate: number
  /** How much was guessed, taken from the next packet, and nothing but comfort noise. */
  readonly stats = { concealedSamples: 0, recoveredSamples: 0, comfortNoiseSamples: 0 }
  readonly #decoder: Decoder
  readonly #repeater: WaveformRepeater
  readonly #background: Background
  readonly #noise = new ComfortNoise()
  readonly #fadeFrom: number
  readonly #fadeTo: number
  readonly #minJoin: number
  readonly #maxJoin: number
  /** Samples made up since the last real one; 0 while all is well. */
  #lost = 0
  /** Whether the repeater, rather than the codec, has made up what was lost. */
  #isRepeating = false

  /** Owns `decoder` from now on. */
  constructor(decoder: Decoder) {
    const { sampleRate } = decoder
    const fade = decoder.conceal === undefined ? REPEATED_FADE_MS : OWN_FADE_MS
    this.sampleRate = sampleRate
    this.#decoder = decoder
    this.#repeater = new WaveformRepeater(sampleRate)
    this.#background = new Background(sampleRate)
    this.#fadeFrom = (fade.from * sampleRate) / 1000
    this.#fadeTo = (fade.to * sampleRate) / 1000
    this.#minJoin = (MIN_JOIN_MS * sampleRate) / 1000
    this.#maxJoin = (MAX_JOIN_MS * sampleRate) / 1000
  }

  /** Decodes a received packet, like `Decoder.decode`; joins it smoothly to what was made up. */
  decode(payload: Uint8Array, samples: Int16Array): number {
    const count = Math.min(this.#decoder.decode(payload, samples), samples.length)
    if (count === 0) return 0
    this.#background.observe(samples, count)
    this.#take(samples, count)
    return count
  }

  /**
   * Fills all of `samples` with what a lost packet may have held, and returns how many that are.
   * `next` is the payload of the packet after it, if it is there already.
   */
  conceal(samples: Int16Array, next?: Uint8Array): number {
    const decoder = this.#decoder
    if (next !== undefined && this.#recover(next, samples)) {
      this.stats.recoveredSamples += samples.length
      this.#take(samples, samples.length)
      return samples.length
    }
    if (this.#lost >= this.#fadeTo) this.stats.comfortNoiseSamples += samples.length
    else this.stats.concealedSamples += samples.length
    const own = this.#isRepeating || this.#lost >= this.#fadeTo ? 0 : decoder.conceal?.(samples)
    this.#makeUp(samples, own ?? 0)
    this.#repeater.remember(samples, samples.length)
    return samples.length
  }

  /**
   * Says that the next packet does not follow the last one, so that it is joined smoothly. `noise`
   * is the payload of a comfort noise packet (RFC 3389), whose noise is heard from now on until
   * audio comes.
   */
  interrupt(noise?: Uint8Array): void {
    if (this.#lost === 0) this.#startRepeating()
    this.#lost = Math.max(1, this.#lost)
    if (noise === undefined) return
    this.#noise.read(noise)
    this.#lost = Math.max(this.#lost, this.#fadeFrom)
  }

  /** Gives back native memory. Harmless to call twice. */
  close(): void {
    this.#decoder.close()
  }

  /** Takes real audio over, whatever was before. */
  #take(samples: Int16Array, count: number): void {
    if (this.#lost > 0) this.#join(samples, count)
    this.#lost = 0
    this.#isRepeating = false
    this.#repeater.remember(samples, count)
  }

  #recover(next: Uint8Array, samples: Int16Array): boolean {
    const decoder = this.#decoder
    if (decoder.hasCopy?.(next) !== true) return false
    return decoder.recover?.(next, samples) === samples.length
  }

  #startRepeating(): void {
    this.#repeater.start()
    this.#isRepeating = true
    if (this.#lost === 0) this.#noise.set(this.#background.rms, this.#background.tilt)
  }

  /** Leaves the first `own` samples, the codec's guess, and adds its own; fades both. */
  #makeUp(samples: Int16Array, own: number): void {
    if (this.#lost === 0) this.#noise.set(this.#background.rms, this.#background.tilt)
    if (own < samples.length && !this.#isRepeating && this.#lost < this.#fadeTo) {
      if (own > 0) this.#repeater.remember(samples, own)
      this.#startRepeating()
    }
    for (let i = 0; i < samples.length; i += 1) {
      const gain = this.#gain()
      const guess = i < own ? samples[i]! : gain > 0 ? this.#repeater.next() : 0
      samples[i] = saturate(Math.round(this.#mix(guess, gain)))
      this.#lost += 1
    }
  }

  /** Overlaps the beginning of real audio with what would have been made up. */
  #join(samples: Int16Array, count: number): void {
    const wanted = Math.min(this.#maxJoin, Math.max(this.#minJoin, this.#lost * 0.4))
    const length = Math.min(count, Math.round(wanted))
    for (let i = 0; i < length; i += 1) {
      const gain = this.#gain()
      // The codec's own guess leads over into what it decodes next by itself.
      const guess = this.#isRepeating && gain > 0 ? this.#repeater.next() : samples[i]!
      const old = this.#mix(guess, gain)
      const share = (i + 1) / (length + 1)
      samples[i] = saturate(Math.round(old + (samples[i]! - old) * share))
      this.#lost += 1
    }
  }

  /** Share of the guess at this moment of the loss, 1 to 0. */
  #gain(): number {
    if (this.#lost <= this.#fadeFrom) return 1
    if (this.#lost >= this.#fadeTo) return 0
    return (this.#fadeTo - this.#lost) / (this.#fadeTo - this.#fadeFrom)
  }

  #mix(guess: number, gain: number): number {
    if (gain === 1) return guess
    return guess * gain + this.#noise.next() * (1 - gain)
  }
}
