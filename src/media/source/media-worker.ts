/** The Worker that fetches and decodes what `play` names. Speaks `MediaRequest` and `MediaReply`. */
import { DiskCache } from '#core/disk-cache.ts'
import { DecodeJob } from './decode-job.ts'
import { MediaError } from './media-error.ts'
import type { MediaReply, MediaRequest, MediaSettings } from './media-message.ts'
import { createOpenMedia, type OpenMedia } from './open-media.ts'

declare const self: {
  onmessage: ((event: MessageEvent<MediaRequest>) => void) | null
  postMessage(message: MediaReply, transfer?: ArrayBuffer[]): void
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 100_000_000
const MAX_REDIRECTS = 5
const MAX_SECONDS = 4 * 3600

/** What `configure` has set up. */
interface Setup {
  readonly open: OpenMedia
  readonly maxSeconds: number
}

const jobs = new Map<number, DecodeJob>()
let setup: Setup | undefined

// The decoders print every fault of every frame; what a file is like is no matter for our log.
Object.assign(globalThis.console, { error: () => undefined, warn: () => undefined })

function configure(settings: MediaSettings): Setup {
  const { mediaDir, allowPrivate, cacheDir, cacheMaxBytes, maxSeconds = MAX_SECONDS } = settings
  const onFault = (message: string) => self.postMessage({ type: 'fault', message })
  const open = createOpenMedia({
    mediaDir,
    cache: new DiskCache(cacheDir, cacheMaxBytes, { onFault }),
    allowPrivate,
    timeoutMs: settings.timeoutMs ?? TIMEOUT_MS,
    maxBytes: settings.maxBytes ?? MAX_BYTES,
    maxRedirects: settings.maxRedirects ?? MAX_REDIRECTS,
  })
  return { open, maxSeconds }
}

async function play(id: number, url: string, sampleRate: number): Promise<void> {
  if (setup === undefined) return
  const { open, maxSeconds } = setup
  const send = (samples: Int16Array<ArrayBuffer>) =>
    self.postMessage({ type: 'audio', id, samples }, [samples.buffer])
  const job = new DecodeJob(sampleRate, send, { maxSeconds })
  jobs.set(id, job)
  try {
    await job.run((signal) => open(url, signal))
    self.postMessage({ type: 'end', id })
  } catch (error) {
    if (!job.signal.aborted) self.postMessage({ type: 'error', id, ...describe(error) })
  } finally {
    jobs.delete(id)
  }
}

function describe(error: unknown): Pick<MediaError, 'code' | 'message'> {
  if (error instanceof MediaError) return { code: error.code, message: error.message }
  return { code: 'internal', message: `url: ${String(error)}` }
}

self.onmessage = ({ data }) => {
  switch (data.type) {
    case 'configure':
      setup = configure(data.settings)
      break
    case 'open':
      void play(data.id, data.url, data.sampleRate)
      break
    case 'played':
      jobs.get(data.id)?.played(data.samples)
      break
    case 'close':
      jobs.get(data.id)?.close()
      break
    case 'ping':
      self.postMessage({ type: 'pong' })
      break
  }
}
