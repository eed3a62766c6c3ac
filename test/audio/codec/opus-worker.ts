import { OpusDecoder } from '#audio/codec/opus-decoder.ts'
import { OpusLibrary } from '#audio/codec/opus-library.ts'
import { encodeAll } from './opus-stream.ts'

declare const self: {
  onmessage: ((event: MessageEvent<Int16Array>) => void) | null
  postMessage(message: unknown): void
}

self.onmessage = ({ data }) => {
  const decoder = new OpusDecoder()
  const packets = encodeAll(data, { sampleRate: 16_000 })
  self.postMessage({ packets, openStates: OpusLibrary.shared.openStates })
  decoder.close()
}
