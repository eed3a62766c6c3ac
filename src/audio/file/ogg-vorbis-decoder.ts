import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis'
import { WasmFileDecoder } from './wasm-file-decoder.ts'

/** One logical Vorbis stream in Ogg pages, by libvorbis in Wasm. */
export function createOggVorbisDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('Vorbis', () => new OggVorbisDecoder())
}
