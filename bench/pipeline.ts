/**
 * What a frame of 20 ms costs the main thread, stage by stage and as a whole, with 1 and with 200
 * calls in turn: `bun bench/pipeline.ts`. Voice activity detection happens in a Worker; here is what it
 * leaves to the main thread. `bench/denoise.ts` and `bench/recorder.ts` show the same of theirs.
 */
import { findCodec } from '#audio/codec/find-codec.ts'
import { type AudioFrame, frameSamples } from '#audio/frame.ts'
import type { CallDeps } from '#call/call-deps.ts'
import { EventWriter } from '#call/event-writer.ts'
import { Listener } from '#call/listener.ts'
import { AutomaticGain } from '#media/automatic-gain.ts'
import { DtmfDetector } from '#media/dtmf-detector.ts'
import { EchoGate } from '#media/echo/echo-gate.ts'
import { Pacer } from '#media/pacer.ts'
import type { Playback } from '#media/playback.ts'
import { Player } from '#media/player.ts'
import type { Processor } from '#media/processor.ts'
import type { CallOption } from '#protocol/call-option.ts'
import { createSileroEngine } from '#speech/silero/silero-engine.ts'
import { WebSocketLeg } from '#transport/websocket/websocket-leg.ts'
import {
  bytesWithoutCollector,
  frameBytes,
  frameMicroseconds,
  type OnFrame,
} from './support/frame-cost.ts'
import { speechFrames } from './support/speech.ts'

const RATE = 8000
const ignore = () => undefined

const vad = createSileroEngine()
const payloads = await speechFrames('pcmu')
const frames = decode(payloads)

function codec(name: string, sampleRate?: number) {
  const found = findCodec(name, sampleRate)
  if (found === undefined) throw new Error(`no codec ${name}`)
  return found
}

function decode(encoded: readonly Uint8Array[]): AudioFrame[] {
  const decoder = codec('pcmu').createDecoder()
  return encoded.map((payload, i) => {
    const samples = new Int16Array(frameSamples(RATE))
    decoder.decode(payload, samples)
    return { samples, sampleRate: RATE, position: i * samples.length }
  })
}

/** Runs the speech through a processor, over and over. */
function through(create: () => Processor): () => OnFrame {
  return () => {
    const processor = create()
    let turn = 0
    return () => {
      turn = (turn + 1) % frames.length
      processor.process(frames[turn]!, ignore)
    }
  }
}

/** The same, while something else is played: the caller speaks over it. */
function throughEcho(): OnFrame {
  const gate = new EchoGate()
  let turn = 0
  return () => {
    turn = (turn + 1) % frames.length
    gate.noteSent(frames[(turn + 40) % frames.length]!)
    gate.process(frames[turn]!, ignore)
  }
}

/** Sends the speech to a leg as a client would; `hear` is what its call does with the frames. */
function receiving(hear: (frame: AudioFrame) => void): OnFrame {
  const leg = new WebSocketLeg(codec('pcmu'), ignore)
  void leg.connect({ onFrame: hear, onHangup: ignore })
  let turn = 0
  leg.receivePayload(payloads[0]!)
  return () => {
    turn = (turn + 1) % payloads.length
    leg.receivePayload(payloads[turn]!)
  }
}

/** A whole receive pipeline, from the message to the detectors. */
function listening(option: CallOption): () => OnFrame {
  const deps = { findVad: () => vad }
  return () => {
    const client = { send: ignore, sendAudio: ignore, close: ignore }
    const events = new EventWriter('record', client, undefined)
    const listener = new Listener(
      deps as unknown as CallDeps,
      'call',
      { option, sampleRate: RATE },
      events,
    )
    return receiving((frame) => listener.hear(frame))
  }
}

/** The speech without an end. */
class Endless implements Playback {
  readonly isFinished = false
  #turn = 0

  read(frame: Int16Array): number {
    this.#turn = (this.#turn + 1) % frames.length
    frame.set(frames[this.#turn]!.samples)
    return frame.length
  }

  close(): void {}
}

/** A player with what it plays into, ticked by hand. */
function sending(name: string, volume: number): () => OnFrame {
  return () => {
    const leg = new WebSocketLeg(codec(name, RATE), ignore)
    void leg.connect({ onFrame: ignore, onHangup: ignore })
    const pacer = new Pacer()
    const player = new Player(pacer, RATE, (frame) => leg.send(frame))
    player.start(new Endless(), { onEnd: ignore }, volume)
    pacer.close()
    return () => player.tick()
  }
}

const STAGES: readonly (readonly [name: string, open: () => OnFrame])[] = [
  ['leg: PCMU, 20 ms per message', () => receiving(ignore)],
  ['DtmfDetector', through(() => new DtmfDetector(ignore))],
  ['VadDetector(silero), without its Worker', through(() => createVad())],
  ['AutomaticGain', through(() => new AutomaticGain())],
  ['EchoGate, nothing played lately', through(() => new EchoGate())],
  ['EchoGate, while we play', throughEcho],
  ['**up, whole**: PCMU, keys, echo gate, VAD', listening({})],
  ['up, whole, with agc', listening({ agc: true })],
  ['**down, whole**: player, PCMU', sending('pcmu', 1)],
  ['down, whole, with a volume', sending('pcmu', 0.5)],
  ['down, whole: player, Opus at 8 kHz', sending('opus', 1)],
]

function createVad(): Processor {
  return vad.createDetector(
    { voiceThreshold: 0.5, speechPaddingMs: 96, silencePaddingMs: 300 },
    ignore,
  )
}

const [stage, streams] = process.argv.slice(2)
if (stage !== undefined) {
  const [, open] = STAGES[Number(stage)]!
  console.log(await frameBytes(Number(streams), open))
  process.exit(0)
}
console.log('| stage | 1 call | 200 calls | bytes, 1 call | bytes, 200 calls |')
console.log('|---|---|---|---|---|')
for (const [i, [name, open]] of STAGES.entries()) {
  const cells = [name]
  for (const count of [1, 200]) {
    cells.push(`${(await frameMicroseconds(count, open)).toFixed(1)} µs`)
  }
  for (const count of [1, 200]) {
    cells.push(bytesWithoutCollector(import.meta.path, String(i), String(count)).toFixed(0))
  }
  console.log(`| ${cells.join(' | ')} |`)
}
process.exit(0)
