/** The Worker that speaks one clause at a time. Takes `FliteRequest`, answers with `FliteReply`. */
import type { FliteReply, FliteRequest } from './flite-message.ts'
import { FliteVoice } from './flite-voice.ts'

declare const self: Worker

const voice = new FliteVoice()

function speak(request: FliteRequest): FliteReply {
  try {
    return { samples: voice.speak(request) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

self.onmessage = ({ data }: MessageEvent<FliteRequest>) => {
  const reply = speak(data)
  self.postMessage(reply, 'samples' in reply ? [reply.samples.buffer as ArrayBuffer] : [])
}

// The first text costs the most; here it costs nobody anything.
voice.speak({ text: 'Hello.', speaker: 'slt', speed: 1, volume: 5, sampleRate: 8_000, pauseMs: 0 })
