import pino from 'pino'
import { findCodec } from '#audio/codec/find-codec.ts'
import { Call } from '#call/call.ts'
import type { CallDeps, FileHandlers } from '#call/call-deps.ts'
import { CallError } from '#call/call-error.ts'
import { CallMetrics } from '#call/call-metrics.ts'
import { Pacer } from '#media/pacer.ts'
import type { Playback } from '#media/playback.ts'
import type { Processor } from '#media/processor.ts'
import { LoopLibrary } from '#media/source/loop-library.ts'
import type { CallOption } from '#protocol/call-option.ts'
import type { Command } from '#protocol/command.ts'
import { parseCommand } from '#protocol/parse-command.ts'
import { WebSocketLeg } from '#transport/websocket/websocket-leg.ts'
import { FakeClient } from './fake-client.ts'
import { FakeJournal } from './fake-journal.ts'
import { FakeRecognizer } from './fake-recognizer.ts'
import { FakeRecorder } from './fake-recorder.ts'
import { FakeSynthesizer } from './fake-synthesizer.ts'
import { FakeVad } from './fake-vad.ts'

/** A file of `ms` milliseconds whose samples all are 1000. */
class FakeFile implements Playback {
  #leftSamples: number
  isClosed = false

  constructor(ms: number, sampleRate: number) {
    this.#leftSamples = (ms * sampleRate) / 1000
  }

  get isFinished(): boolean {
    return this.#leftSamples === 0
  }

  read(frame: Int16Array): number {
    const count = Math.min(frame.length, this.#leftSamples)
    frame.fill(1000, 0, count)
    this.#leftSamples -= count
    return count
  }

  close(): void {
    this.#leftSamples = 0
    this.isClosed = true
  }
}

/** Stands where noise would be taken out. */
const passOn: Processor = {
  process: (frame, next) => next(frame),
  close: () => undefined,
  toString: () => 'Denoiser(fake)',
}

/** `500.wav` lasts 500 ms; `missing` is not there. */
function openFile(url: string, sampleRate: number, handlers: FileHandlers): Playback {
  const ms = Number.parseInt(url, 10)
  if (Number.isNaN(ms)) {
    const error = Object.assign(new Error(`${url}: no such file`), { code: 'not_found' })
    queueMicrotask(() => handlers.onError(error))
  }
  return new FakeFile(Number.isNaN(ms) ? 0 : ms, sampleRate)
}

/** A call on a WebSocket leg with fake neighbours; tests drive it by commands. */
export class FakeCall {
  readonly client = new FakeClient()
  readonly journal = new FakeJournal()
  readonly synthesizer = new FakeSynthesizer()
  readonly recognizer = new FakeRecognizer()
  readonly vad = new FakeVad()
  readonly recorder = new FakeRecorder()
  readonly pacer = new Pacer()
  readonly metrics = new CallMetrics()
  readonly loops = new LoopLibrary(openFile)
  readonly deps: CallDeps
  readonly call: Call
  endedCount = 0

  constructor(option: CallOption = {}, { hasEvents = true } = {}) {
    this.deps = this.#createDeps()
    this.call = new Call(
      this.deps,
      { id: 'call-1', type: 'websocket', hasEvents },
      {
        option,
        client: this.client,
        metrics: this.metrics,
        onEnded: () => {
          this.endedCount += 1
        },
      },
    )
  }

  /** Sends a command as the wire would. */
  say(command: Record<string, unknown> & { command: Command['command'] }): void {
    this.call.handle(parseCommand(JSON.stringify(command)).command)
  }

  #createDeps(): CallDeps {
    return {
      journal: this.journal,
      pacer: this.pacer,
      log: pino({ level: 'silent' }),
      createLeg: (_type, option, sendPayload) => {
        const codec = findCodec(option.codec ?? 'pcm', option.samplerate)
        if (codec === undefined) throw new CallError('bad_option', 'option.codec: is unknown')
        return new WebSocketLeg(codec, sendPayload)
      },
      findSynthesizer: (provider = 'fake') => {
        if (provider === 'fake') return this.synthesizer
        throw new CallError('unknown_provider', `tts.provider: "${provider}" is unknown`)
      },
      findRecognizer: (provider = 'fake') => {
        if (provider === 'fake') return this.recognizer
        throw new CallError('unknown_provider', `asr.provider: "${provider}" is unknown`)
      },
      findVad: (type = 'fake') => {
        if (type === 'fake') return this.vad
        throw new CallError('bad_option', `vad.type: "${type}" is unknown`)
      },
      createDenoiser: () => passOn,
      openFile,
      openLoop: (url, sampleRate) => this.loops.acquire(url, sampleRate),
      openRecording: (plan, handlers) => this.recorder.open(plan, handlers),
    }
  }
}
