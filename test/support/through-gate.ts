import { frameSamples } from '#audio/frame.ts'
import { EchoGate } from '#media/echo/echo-gate.ts'

export interface Gated {
  readonly samples: Int16Array
  /** For each frame: whether the very frame came out that went in. */
  readonly passed: readonly boolean[]
  readonly gate: EchoGate
}

/** Both directions through a new gate, frame by frame; `isSent` leaves frames unsent. */
export function throughGate(
  sent: Int16Array,
  heard: Int16Array,
  sampleRate: number,
  isSent: (ms: number) => boolean = () => true,
): Gated {
  let nowMs = 1000
  const gate = new EchoGate({ clock: () => nowMs })
  const size = frameSamples(sampleRate)
  const samples = new Int16Array(heard.length)
  const passed: boolean[] = []
  for (let position = 0; position + size <= heard.length; position += size) {
    const end = position + size
    if (isSent((position * 1000) / sampleRate)) {
      gate.noteSent({ samples: sent.subarray(position, end), sampleRate, position })
    }
    nowMs += 7
    const frame = { samples: heard.subarray(position, end), sampleRate, position }
    gate.process(frame, (out) => {
      samples.set(out.samples, position)
      passed.push(out === frame)
    })
    nowMs += 13
  }
  return { samples, passed, gate }
}
