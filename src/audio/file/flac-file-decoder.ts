import { FLACDecoder } from '@wasm-audio-decoders/flac'
import { WasmFileDecoder } from './wasm-file-decoder.ts'

/** FLAC (RFC 9639), also in Ogg, by libFLAC in Wasm. Its first bytes must be four or more. */
export function createFlacFileDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('FLAC', () => new FLACDecoder())
}
