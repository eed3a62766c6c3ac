import type { FileDecoder } from './file-decoder.ts'
import { FlacFileDecoder } from './flac-file-decoder.ts'
import { Mp3FileDecoder } from './mp3-file-decoder.ts'
import { OggOpusFileDecoder } from './ogg-opus-file-decoder.ts'
import { OggVorbisFileDecoder } from './ogg-vorbis-file-decoder.ts'
import type { FileFormat } from './sniff.ts'
import { WavFileDecoder } from './wav-file-decoder.ts'

/** The decoder of a format. */
export function createFileDecoder(format: FileFormat): FileDecoder {
  switch (format) {
    case 'wav':
      return new WavFileDecoder()
    case 'mp3':
      return new Mp3FileDecoder()
    case 'ogg-vorbis':
      return new OggVorbisFileDecoder()
    case 'ogg-opus':
      return new OggOpusFileDecoder()
    case 'flac':
      return new FlacFileDecoder()
  }
}
