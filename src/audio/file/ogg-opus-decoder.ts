import { OggOpusDecoder } from 'ogg-opus-decoder'
import { WasmFileDecoder } from './wasm-file-decoder.ts'

/** One logical Opus stream in Ogg pages (RFC 7845), by libopus in Wasm; always 48 kHz. */
export function createOggOpusDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('Opus', () => new OggOpusDecoder())
}
