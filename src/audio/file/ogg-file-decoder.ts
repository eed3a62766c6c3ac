import { AudioError } from '../audio-error.ts'
import type { DecodedAudio, FileDecoder } from './file-decoder.ts'
import { createFlacFileDecoder } from './flac-file-decoder.ts'
import { createOggOpusDecoder } from './ogg-opus-decoder.ts'
import { type OggPage, OggPageReader } from './ogg-page-reader.ts'
import { createOggVorbisDecoder } from './ogg-vorbis-decoder.ts'

/** How the first page of a logical stream begins, and what decodes the stream. */
const CODECS: readonly (readonly [magic: string, create: () => FileDecoder])[] = [
  ['OpusHead', createOggOpusDecoder],
  ['\x01vorbis', createOggVorbisDecoder],
  ['\x7fFLAC', createFlacFileDecoder],
]

/** Streams that have no audio we can play, for the message. */
const STRANGERS: readonly (readonly [magic: string, name: string])[] = [
  ['Speex', 'Speex'],
  ['\x80theora', 'Theora video'],
]

/**
 * Audio in Ogg: the first Opus, Vorbis or FLAC stream among those that begin together, and, in a
 * chained file such as internet radio sends, one such stream after the other.
 */
export class OggFileDecoder implements FileDecoder {
  readonly #reader = new OggPageReader()
  #decoder: FileDecoder | undefined
  #serial: number | undefined
  /** First pages are coming in; the streams of a group begin before any of them goes on. */
  #isBeginning = false
  /** Name of a stream that cannot be played. */
  #stranger: string | undefined

  async decode(chunk: Uint8Array): Promise<readonly DecodedAudio[]> {
    this.#reader.push(chunk)
    const audio: DecodedAudio[] = []
    for (let page = this.#reader.next(); page !== undefined; page = this.#reader.next()) {
      audio.push(...(await this.#decodePage(page)))
    }
    return audio
  }

  async flush(): Promise<readonly DecodedAudio[]> {
    if (this.#decoder === undefined && this.#stranger !== undefined) throw this.#strange()
    return (await this.#decoder?.flush()) ?? []
  }

  close(): void {
    this.#decoder?.close()
  }

  async #decodePage(page: OggPage): Promise<readonly DecodedAudio[]> {
    const last = page.isFirst && !this.#isBeginning ? await this.#endGroup() : []
    this.#isBeginning = page.isFirst
    if (page.isFirst) this.#consider(page)
    else if (this.#decoder === undefined) throw this.#strange()
    if (this.#decoder === undefined || page.serial !== this.#serial) return last
    // The decoder keeps parts of it.
    return [...last, ...(await this.#decoder.decode(page.bytes.slice()))]
  }

  /** Takes the stream that begins here, unless one has been taken or nobody knows it. */
  #consider({ body, serial }: OggPage): void {
    if (this.#decoder !== undefined) return
    const text = String.fromCharCode(...body.subarray(0, 8))
    const codec = CODECS.find(([magic]) => text.startsWith(magic))
    if (codec === undefined) {
      this.#stranger = STRANGERS.find(([magic]) => text.startsWith(magic))?.[1] ?? this.#stranger
      return
    }
    this.#serial = serial
    this.#decoder = codec[1]()
  }

  #strange(): AudioError {
    const name = this.#stranger ?? 'an unknown stream'
    const message = `Ogg file holds ${name}; Opus, Vorbis and FLAC can be played`
    return new AudioError('unsupported_format', message)
  }

  /** Gives what the streams before have left. */
  async #endGroup(): Promise<readonly DecodedAudio[]> {
    const decoder = this.#decoder
    this.#decoder = undefined
    try {
      return (await decoder?.flush()) ?? []
    } finally {
      decoder?.close()
    }
  }
}
