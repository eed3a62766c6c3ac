import { Resampler } from '#audio/resampler.ts'
import { SampleQueue } from '../sample-queue.ts'
import { MinWindow } from './min-window.ts'

/** A frame as it came, on the way to its place in the recording. */
export interface TimedFrame {
  /** Owned by the timeline from here on; shape (n). */
  readonly samples: Int16Array
  readonly sampleRate: number
  /** Index of the first sample in its own stream. */
  readonly position: number
  /** When the first sample was heard at the earliest, in milliseconds since the recording began. */
  readonly startMs: number
}

export interface TrackTimelineOptions {
  /** Audio that is later than this for good is held back at once; less a little at a time. */
  readonly jumpMs: number
  /** Audio may stand so much too late before it is caught up with. */
  readonly lagMs: number
}

interface QueuedFrame {
  readonly samples: Int16Array
  readonly position: number
}

/** Audio may stand so much too early before it is held back; `lagMs` is its counterpart. */
const LEAD_MS = 5
/** A frame that is late by this begins a new run, */
const PAUSE_MS = 100
/** one that is less late only if as much audio behind it is late too. */
const SURE_MS = 500
/** A correction goes on until the place is as right as this. */
const SETTLED_MS = 1
/** A peak below this (-44 dBFS) is silence: nobody hears a few milliseconds of it come or go. */
const QUIET_PEAK = 200
/** Audio that waits for its time; what comes then, faster than real time, is dropped. */
const MAX_QUEUED_SECONDS = 60
/** A stream that jumps by more than this has been counted anew; its place is then its arrival. */
const MAX_LOSS_SECONDS = 10
const SLICE_MS = 1
/** Nobody is held up for longer: who would have been sends faster than real time. */
const MAX_HELD_UP_MS = 2000
/** What comes in real time behind such audio gains on it by this share of its length. */
const CATCH_UP = 0.005

/**
 * Puts the frames of one track where they belong in the time of the recording, at its rate.
 *
 * What is known of a frame is its place in its own stream, which is exact, and when it came, which
 * is late by the jitter of the network and of our timers, or by a whole burst. The difference of
 * the two, `startMs` less the place, is least for frames that were not held up: so the least of it
 * over all frames that wait, the two seconds or so that the recording is written behind real time,
 * says where the stream begins. It stays as it is through jitter, bursts and losses; it goes up at
 * a pause, and creeps when the sender's clock is not ours. Of audio that is sent faster than real time,
 * such as a file at once, it says nothing: that is played from where it came on, and silence that
 * comes meanwhile is left out until the stream is where it should be.
 *
 *   position │ 0 1 2 3 4 5 6 7       runs are contiguous by position:
 *   arrival  │ 0   1 234 5   (gap) 6 7    ►  0 1 2 3 4 5 . . 6 7
 */
export class TrackTimeline {
  readonly stats = { droppedFrames: 0, correctedSamples: 0 }
  readonly #toRate: number
  readonly #options: TrackTimelineOptions
  #fromRate = 0
  #resampler: Resampler | undefined
  readonly #frames: QueuedFrame[] = []
  #queuedSamples = 0
  /** `startMs` less the place of each waiting frame, both in samples of the stream. */
  readonly #origins = new MinWindow()
  /** Stream position after the frame that came last, as it says and as it is counted here. */
  #nextGiven = 0
  #nextPosition = 0
  /** Where position 0 stands in the recording, in samples of the stream; absent before the first. */
  #origin: number | undefined
  /** Where it last stood right, or the first frame wants it. */
  #base: number | undefined
  /** More has come than real time had room for. */
  #isFast = false
  /** What is taken for the origin then. */
  #fastOrigin = 0
  /** Samples that real time has had room for since, less those that came, and up to when. */
  #liveSamples = 0
  #liveMs = 0
  #isCorrecting = false
  #wasQuiet = true
  /** How much of the recording has been handed to the resampler, in samples of the stream. */
  #fed = 0
  readonly #ready = new SampleQueue()
  #readSamples = 0

  constructor(sampleRate: number, options: TrackTimelineOptions) {
    this.#toRate = sampleRate
    this.#options = options
  }

  /** Milliseconds of the recording up to the end of the audio that waits; 0 when none does. */
  get endMs(): number {
    const frame = this.#frames[0]
    if (frame === undefined) return 0
    return ((this.#nextPosition + this.#originOf(frame)) * 1000) / this.#fromRate
  }

  /** Takes a frame; one of another rate than the first is dropped. */
  push({ samples, sampleRate, position, startMs }: TimedFrame): void {
    if (this.#resampler === undefined) this.#start(sampleRate)
    const isTooMuch = this.#queuedSamples + samples.length > MAX_QUEUED_SECONDS * this.#fromRate
    if (sampleRate !== this.#fromRate || isTooMuch) {
      this.stats.droppedFrames += 1
      return
    }
    const lost = position - this.#nextGiven
    const isPlausible = lost >= 0 && lost <= MAX_LOSS_SECONDS * sampleRate
    const place = this.#nextPosition + (isPlausible ? lost : 0)
    this.#nextGiven = position + samples.length
    const origin = this.#believe(this.#samplesIn(startMs) - place)
    if (this.#isFast && this.#isLive(startMs, samples.length) && isSilent(samples)) return
    this.#frames.push({ samples, position: place })
    this.#queuedSamples += samples.length
    this.#origins.push(origin)
    this.#nextPosition = place + samples.length
  }

  /** Fills `out` with the samples of the recording that follow those read last. */
  read(out: Int16Array): void {
    this.#readSamples += out.length
    if (this.#resampler === undefined) {
      out.fill(0)
      return
    }
    while (this.#ready.length < out.length) this.#feedNext()
    this.#ready.read(out)
  }

  /** Where a frame stands whose arrival says `origin`. */
  #believe(origin: number): number {
    this.#base ??= origin
    if (!this.#isFast && origin < this.#base - this.#samplesIn(MAX_HELD_UP_MS)) {
      this.#isFast = true
      this.#fastOrigin = this.#base
      this.#liveMs = Infinity
      this.#liveSamples = 0
      this.#origins.raiseTo(this.#base)
    }
    this.#isFast &&= origin < this.#fastOrigin
    return this.#isFast ? this.#fastOrigin : origin
  }

  /** Whether real time has had room for the frame since audio began to come faster. */
  #isLive(startMs: number, count: number): boolean {
    const passedMs = Math.max(0, startMs - this.#liveMs)
    this.#liveMs = startMs
    this.#liveSamples = Math.min(this.#liveSamples + this.#samplesIn(passedMs), this.#fromRate)
    if (this.#liveSamples < count) return false
    this.#liveSamples -= count
    this.#fastOrigin -= CATCH_UP * count
    return true
  }

  #start(sampleRate: number): void {
    this.#fromRate = sampleRate
    this.#resampler = new Resampler(sampleRate, this.#toRate)
    // What has been read until now was silence; it need not go through the filter.
    this.#fed = Math.round((this.#readSamples * sampleRate) / this.#toRate)
  }

  #feedNext(): void {
    const frame = this.#frames[0]
    const slice = this.#samplesIn(SLICE_MS)
    if (frame === undefined) {
      this.#feedSilence(slice)
      return
    }
    const { samples, position } = frame
    const origin = this.#originOf(frame)
    const gap = position + origin - this.#fed
    if (gap > 0) {
      this.#feedSilence(Math.min(gap, slice))
      return
    }
    const error = this.#wantedOrigin - origin
    this.#origin = origin
    if (Math.abs(error) <= this.#samplesIn(LEAD_MS)) this.#base = origin
    this.#frames.shift()
    this.#origins.shift()
    this.#queuedSamples -= samples.length
    this.#feedFrame(samples, error)
  }

  /** Where the frames that wait say that position 0 stands. */
  get #wantedOrigin(): number {
    return Math.round(this.#origins.least ?? this.#origin ?? 0)
  }

  /** Whether so much audio waits that not all of it can have been held up. */
  get #isSure(): boolean {
    return this.#queuedSamples >= this.#samplesIn(SURE_MS)
  }

  /** Where position 0 shall stand from the next frame on, if that has its turn now. */
  #originOf({ samples, position }: QueuedFrame): number {
    const wanted = this.#wantedOrigin
    const origin = this.#origin ?? wanted
    const error = wanted - origin
    const isQuiet = this.#wasQuiet || isSilent(samples)
    const limitMs = isQuiet ? LEAD_MS : this.#options.jumpMs
    const isNewRun = error > this.#samplesIn(this.#isSure ? limitMs : PAUSE_MS)
    // What has been written stands: a frame that came too late for its place gets the next one.
    return Math.max(isNewRun ? wanted : origin, this.#fed - position)
  }

  #feedSilence(count: number): void {
    this.#wasQuiet = true
    this.#feed(new Int16Array(count))
  }

  /** `error`: how much later the frame should stand than it does, in samples. */
  #feedFrame(samples: Int16Array, error: number): void {
    const startMs = error < 0 ? this.#options.lagMs : LEAD_MS
    const limitMs = this.#isCorrecting ? SETTLED_MS : startMs
    this.#isCorrecting = Math.abs(error) > this.#samplesIn(limitMs) && this.#isSure
    const isQuiet = isSilent(samples)
    this.#wasQuiet = isQuiet
    if (!this.#isCorrecting) {
      this.#feed(samples)
      return
    }
    if (isQuiet && error < 0) {
      const skipped = Math.min(-error, samples.length)
      this.#move(-skipped)
      this.#feed(samples.subarray(skipped))
      return
    }
    // One sample more or less in a frame is a tenth of a semitone at 8 kHz, and no click.
    const step = Math.sign(error)
    this.#move(step)
    this.#feed(stretch(samples, samples.length + step))
  }

  #move(samples: number): void {
    this.#origin = (this.#origin ?? 0) + samples
    this.stats.correctedSamples += Math.abs(samples)
  }

  /** The resampler gives a view that it will write over, or the samples themselves. */
  #feed(samples: Int16Array): void {
    this.#fed += samples.length
    const output = this.#resampler?.resample(samples)
    if (output !== undefined) this.#ready.push(output === samples ? samples : output.slice())
  }

  #samplesIn(ms: number): number {
    return (ms * this.#fromRate) / 1000
  }
}

function isSilent(samples: Int16Array): boolean {
  for (const sample of samples) if (sample > QUIET_PEAK || sample < -QUIET_PEAK) return false
  return true
}

/** `samples` as `length` samples, straight lines between them; the first and last stay. */
function stretch(samples: Int16Array, length: number): Int16Array {
  const step = (samples.length - 1) / (length - 1)
  return Int16Array.from({ length }, (_, i) => {
    const at = i * step
    const index = Math.min(Math.floor(at), samples.length - 2)
    const before = samples[index]!
    return Math.round(before + (samples[index + 1]! - before) * (at - index))
  })
}
