/** The Worker that fetches and decodes what `play` names. Speaks `MediaRequest` and `MediaReply`. */
import { DiskCache } from '#core/disk-cache.ts'
import { DecodeJob } from './decode-job.ts'
import { HttpCache } from './http-cache.ts'
import { MediaError } from './media-error.ts'
import { openMediaFile } from './media-file.ts'
import type { MediaReply, MediaRequest, MediaSettings } from './media-message.ts'

declare const self: Worker

const TIMEOUT_MS = 10_000
const MAX_FILE_BYTES = 100 * 1024 * 1024
const MAX_REDIRECTS = 5
const SCHEME = /^([a-z][a-z0-9+.-]*):/i

const jobs = new Map<number, DecodeJob>()
let settings: MediaSettings | undefined
let http: HttpCache | undefined

const reply = (message: MediaReply, transfer: ArrayBuffer[] = []) =>
  self.postMessage(message, transfer)

function configure(given: MediaSettings): void {
  settings = given
  const onFault = (message: string) => reply({ type: 'fault', message })
  const cache = new DiskCache(given.cacheDir, given.cacheMaxBytes, { onFault })
  http = new HttpCache(cache, {
    allowPrivate: given.allowPrivate,
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_FILE_BYTES,
    maxRedirects: MAX_REDIRECTS,
  })
}

async function openBytes(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  if (settings === undefined || http === undefined) throw new MediaError('network', 'not ready')
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase()
  if (scheme === undefined) return openMediaFile(settings.mediaDir, url)
  const parsed = URL.parse(url)
  if (parsed === null || (scheme !== 'http' && scheme !== 'https')) {
    throw new MediaError('bad_url', 'url: must be http(s), or the name of a file under MEDIA_DIR')
  }
  return http.open(parsed, signal)
}

async function play(id: number, url: string, sampleRate: number): Promise<void> {
  const job = new DecodeJob(sampleRate, (samples) => {
    reply({ type: 'audio', id, samples }, [samples.buffer as ArrayBuffer])
  })
  jobs.set(id, job)
  try {
    await job.run(await openBytes(url, job.signal))
    reply({ type: 'end', id })
  } catch (error) {
    if (job.signal.aborted) return
    const known = error instanceof MediaError ? error : new MediaError('decode', String(error))
    reply({ type: 'error', id, code: known.code, message: known.message })
  } finally {
    jobs.delete(id)
  }
}

self.onmessage = ({ data }: MessageEvent<MediaRequest>) => {
  switch (data.type) {
    case 'configure':
      configure(data.settings)
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
  }
}
