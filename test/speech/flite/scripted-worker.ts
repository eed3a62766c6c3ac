/**
 * Stands in for the Worker of flite and does what the text says: `die`, `throw` or `trap`; any other
 * text becomes 10 ms of a constant per character.
 */
import type { FliteReply, FliteRequest } from '#speech/flite/flite-request.ts'

declare const self: {
  onmessage: ((event: MessageEvent<FliteRequest>) => void) | null
  postMessage(message: FliteReply): void
}

self.onmessage = ({ data: { text, sampleRate } }) => {
  if (text.includes('die')) process.exit(3)
  if (text.includes('throw')) throw new Error('it was told to throw')
  if (text.includes('trap')) {
    self.postMessage({ type: 'failure', message: 'RuntimeError: unreachable' })
    return
  }
  const samples = new Int16Array((text.length * sampleRate) / 100).fill(1000)
  self.postMessage({ type: 'audio', samples })
}
self.postMessage({ type: 'ready' })
