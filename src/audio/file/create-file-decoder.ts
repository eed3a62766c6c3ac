import type { FileDecoder } from './file-decoder.ts'
import { createFlacFileDecoder } from './flac-file-decoder.ts'
import { Mp3FileDecoder } from './mp3-file-decoder.ts'
import { OggFileDecoder } from './ogg-file-decoder.ts'
import type { FileFormat } from './sniff.ts'
import { WavFileDecoder } from './wav-file-decoder.ts'

/** The decoder of a format. */
export function createFileDecoder(format: FileFormat): FileDecoder {
  switch (format) {
    case 'wav':
      return new WavFileDecoder()
    case 'mp3':
      return new Mp3FileDecoder()
    case 'ogg':
      return new OggFileDecoder()
    case 'flac':
      return createFlacFileDecoder()
  }
}
