import { MPEGDecoder } from 'mpg123-decoder'
import { WasmFileDecoder } from './wasm-file-decoder.ts'

/** MPEG audio, layers I to III, by libmpg123 in Wasm. Skips what is no frame. */
export function createMp3FileDecoder(): WasmFileDecoder {
  return new WasmFileDecoder('MP3', () => new MPEGDecoder())
}
