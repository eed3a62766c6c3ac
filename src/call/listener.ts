import type { AudioFrame } from '#audio/frame.ts'
import { AudioClock } from '#media/audio-clock.ts'
import { AutomaticGain } from '#media/automatic-gain.ts'
import { DtmfDetector } from '#media/dtmf-detector.ts'
import { EchoGate } from '#media/echo/echo-gate.ts'
import { KeyEcho } from '#media/echo/key-echo.ts'
import { Pipeline } from '#media/pipeline.ts'
import type { Processor } from '#media/processor.ts'
import type { Recorder } from '#media/recorder/recorder.ts'
import type { AgcOption, AsrOption, CallOption, VadOption } from '#protocol/call-option.ts'
import type { Transcript } from '#speech/asr.ts'
import type { VadEvent, VadOptions } from '#speech/vad.ts'
import { AsrTap } from './asr-tap.ts'
import type { CallDeps } from './call-deps.ts'
import { errorStatus } from './call-error.ts'
import type { EventWriter } from './event-writer.ts'

type ListenerDeps = Pick<CallDeps, 'createDenoiser' | 'findRecognizer' | 'findVad'>

interface ListenerOptions {
  readonly option: CallOption
  readonly sampleRate: number
  /** Records what is heard, where the call is recorded. */
  readonly recorder?: Recorder | undefined
  /** Whether keys come another way, so that those in the sound do not count. */
  readonly hasDigits?: () => boolean
}

/**
 * Hears the caller: runs received frames through the receive pipeline and turns what the detectors
 * find into events on the caller's track. What cannot be built is reported and left out.
 */
export class Listener {
  readonly #trackId: string
  readonly #events: EventWriter
  readonly #clock = new AudioClock()
  readonly #hasDigits: () => boolean
  readonly #echoGate: EchoGate | undefined
  readonly #keyEcho: KeyEcho | undefined
  readonly #pipeline: Pipeline

  constructor(
    deps: ListenerDeps,
    trackId: string,
    { option, sampleRate, recorder, hasDigits = () => false }: ListenerOptions,
    events: EventWriter,
  ) {
    this.#hasDigits = hasDigits
    this.#trackId = trackId
    this.#events = events
    this.#echoGate = option.echoGate === false ? undefined : new EchoGate()
    this.#keyEcho = option.echoGate === false ? undefined : new KeyEcho()
    const processors = [
      // Before the denoiser, which takes tones for noise.
      new DtmfDetector((digit) => this.#onKey(digit)),
      // The denoiser holds frames back; what is recorded belongs where it was heard.
      option.denoise ? recorder?.createArrivalTap() : undefined,
      option.denoise ? this.#build('denoise', () => deps.createDenoiser()) : undefined,
      recorder?.createTap(),
      this.#echoGate,
      this.#build('vad', () => this.#createVad(deps, option.vad)),
      createGain(option.agc),
      this.#build('asr', () => this.#createAsr(deps, option.asr, sampleRate)),
    ]
    this.#pipeline = new Pipeline(
      processors.filter((processor) => processor !== undefined),
      (name, error) => this.#report(name, error),
    )
  }

  set isMuted(isMuted: boolean) {
    this.#pipeline.isMuted = isMuted
  }

  /** Takes one received frame. On the live path. */
  hear(frame: AudioFrame): void {
    this.#clock.advance((frame.samples.length * 1000) / frame.sampleRate, Date.now())
    this.#pipeline.process(frame)
  }

  /** Takes one frame that is being sent to the caller, who may give it back as an echo. */
  noteSent(frame: AudioFrame): void {
    this.#echoGate?.noteSent(frame)
    this.#keyEcho?.noteSent(frame)
  }

  close(): void {
    this.#pipeline.close()
  }

  toString(): string {
    return String(this.#pipeline)
  }

  #build(sender: string, create: () => Processor | undefined): Processor | undefined {
    try {
      return create()
    } catch (error) {
      this.#report(sender, error)
      return undefined
    }
  }

  #createVad(deps: ListenerDeps, option: VadOption = {}): Processor | undefined {
    if (option.type === 'none') return undefined
    const { silenceTimeout } = option
    const vad: VadOptions = {
      voiceThreshold: option.voiceThreshold ?? 0.5,
      speechPaddingMs: option.speechPadding ?? 96,
      silencePaddingMs: option.silencePadding ?? 300,
      ...(silenceTimeout !== undefined && { silenceTimeoutMs: silenceTimeout }),
    }
    // Of a message that holds many frames all must be counted before the clock can tell a time.
    const onEvent = (event: VadEvent) => queueMicrotask(() => this.#onVad(event))
    return deps.findVad(option.type).createDetector(vad, onEvent)
  }

  #createAsr(
    deps: ListenerDeps,
    option: AsrOption | undefined,
    sampleRate: number,
  ): Processor | undefined {
    if (option === undefined) return undefined
    const recognizer = deps.findRecognizer(option.provider)
    const { language, modelType, extra } = option
    const recognition = recognizer.open(
      {
        sampleRate,
        ...(language !== undefined && { language }),
        ...(modelType !== undefined && { model: modelType }),
        ...(extra !== undefined && { extra }),
      },
      {
        onTranscript: (transcript) => this.#onTranscript(transcript),
        onError: (error) => this.#report('asr', error),
      },
    )
    return new AsrTap(recognizer, recognition)
  }

  #onKey(digit: string): void {
    if (this.#hasDigits() || this.#keyEcho?.isEcho(digit)) return
    this.#events.emit({ event: 'dtmf', trackId: this.#trackId, digit })
  }

  #onVad(event: VadEvent): void {
    const trackId = this.#trackId
    const startTime = this.#timeOf(event.startMs)
    if (event.type === 'speaking') {
      this.#events.emit({ event: 'speaking', trackId, startTime })
      return
    }
    this.#events.emit({
      event: 'silence',
      trackId,
      startTime,
      duration: Math.round(event.durationMs),
      ...(event.speechStartMs !== undefined && {
        speechStart: this.#timeOf(event.speechStartMs),
      }),
      ...(event.speechDurationMs !== undefined && {
        speechDuration: Math.round(event.speechDurationMs),
      }),
    })
  }

  #onTranscript({ index, text, isFinal, startMs, endMs }: Transcript): void {
    this.#events.emit({
      event: isFinal ? 'asrFinal' : 'asrDelta',
      trackId: this.#trackId,
      index,
      startTime: this.#timeOf(startMs),
      endTime: this.#timeOf(endMs),
      text,
    })
  }

  /** Epoch milliseconds; audio that came faster than real time was still not heard in future. */
  #timeOf(streamMs: number): number {
    return Math.min(Date.now(), this.#clock.epochMs(streamMs))
  }

  #report(sender: string, error: unknown): void {
    this.#events.emit({
      event: 'error',
      trackId: this.#trackId,
      sender,
      error: error instanceof Error ? error.message : String(error),
      code: errorStatus(error),
    })
  }
}

function createGain(option: boolean | AgcOption | undefined): Processor | undefined {
  if (option === undefined || option === false) return undefined
  const { targetDb, maxGainDb } = option === true ? {} : option
  return new AutomaticGain({
    ...(targetDb !== undefined && { targetDb }),
    ...(maxGainDb !== undefined && { maxGainDb }),
  })
}
