import { join } from 'node:path'
import { warmUpOpus } from '#audio/codec/opus-warm-up.ts'
import type { Config } from '#config/config.ts'
import { DiskCache } from '#core/disk-cache.ts'
import { DenoiseEngine } from '#media/denoise/denoise-engine.ts'
import { Pacer } from '#media/pacer.ts'
import { RecorderEngine } from '#media/recorder/recorder-engine.ts'
import { LoopLibrary } from '#media/source/loop-library.ts'
import { MediaLibrary } from '#media/source/media-library.ts'
import type { Recognizer } from '#speech/asr.ts'
import { createEnergyVadEngine } from '#speech/energy/energy-engine.ts'
import { FliteSynthesizer } from '#speech/flite/flite-synthesizer.ts'
import type { InlineEngine } from '#speech/inline-engine.ts'
import { createSileroEngine, type SileroEngine } from '#speech/silero/silero-engine.ts'
import type { Synthesizer } from '#speech/tts.ts'
import { withCache } from '#speech/tts-cache.ts'
import { createWebrtcVadEngine } from '#speech/webrtc-vad/webrtc-engine.ts'
import type { CallStore } from '#store/call-store.ts'
import { RecordingKeeper } from './recording-keeper.ts'

/** What handles audio for all calls together: one of each, most with a Worker of their own. */
export interface Engines {
  readonly pacer: Pacer
  readonly silero: SileroEngine
  /** Every type of voice activity detection; the first is what a call gets that names none. */
  readonly vads: readonly [SileroEngine, ...InlineEngine[]]
  readonly denoise: DenoiseEngine
  readonly files: MediaLibrary
  readonly loops: LoopLibrary
  readonly recorder: RecorderEngine
  readonly cache: DiskCache
  /** Absent where tests bring their own voices. */
  readonly flite: FliteSynthesizer | undefined
  readonly speakers: readonly Synthesizer[]
  readonly recognizers: readonly Recognizer[]
  /** Ends all of them. To be called after the last call and before the store is closed. */
  close(): Promise<void>
}

export interface EngineDeps {
  readonly store: CallStore
  readonly recognizers: readonly Recognizer[]
  /** In place of our own. */
  readonly synthesizers: readonly Synthesizer[] | undefined
  readonly onFault: (fault: unknown) => void
}

export function createEngines(
  config: Config,
  { store, recognizers, synthesizers, onFault }: EngineDeps,
): Engines {
  warmUpOpus()
  const cacheMaxBytes = config.cacheMaxBytes / 2
  const cache = new DiskCache(join(config.dataDir, 'cache/speech'), cacheMaxBytes, { onFault })
  const flite = synthesizers === undefined ? new FliteSynthesizer({ onFault }) : undefined
  const speakers = synthesizers ?? (flite === undefined ? [] : [withCache(flite, cache)])
  const silero = createSileroEngine({ onFault })
  const webrtc = createWebrtcVadEngine({ onFault })
  const vads = [silero, webrtc, createEnergyVadEngine({ onFault })] as const
  const files = new MediaLibrary({
    mediaDir: config.mediaDir,
    allowPrivate: config.playAllowPrivate,
    cacheDir: join(config.dataDir, 'cache/files'),
    cacheMaxBytes,
    onFault,
  })
  const loops = new LoopLibrary((url, sampleRate, handlers) =>
    files.open(url, sampleRate, handlers),
  )
  const denoise = new DenoiseEngine({ onFault })
  const directory = join(config.dataDir, 'recordings')
  const recorder = new RecorderEngine({ directory, onFault })
  const retentionDays = config.recordingRetentionDays
  const keeper = new RecordingKeeper(store, { directory, retentionDays, onFault })
  const pacer = new Pacer()
  const parts = [...vads, denoise, files, recorder, keeper, ...speakers, ...recognizers]
  return {
    pacer,
    silero,
    vads: [...vads],
    denoise,
    files,
    loops,
    recorder,
    cache,
    flite,
    speakers,
    recognizers,
    close: async () => {
      pacer.close()
      await Promise.all(parts.map((part) => part.close()))
    },
  }
}
