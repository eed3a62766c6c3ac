import { PLAYBACK_TRACK_ID } from '#call/playback-slot.ts'
import { Caller } from '../support/caller.ts'
import { speechFrames } from '../support/speech.ts'
import { hear } from './hear.ts'
import type { Sample } from './index-page.ts'

const TEXT =
  'The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, seven days a week.'
const CODECS = [
  { codec: 'pcm' },
  { codec: 'pcmu' },
  { codec: 'pcma' },
  { codec: 'g722' },
  { codec: 'opus' },
  { codec: 'opus', samplerate: 16_000 },
]

async function say(caller: Caller, text: string): Promise<void> {
  const ended = caller.next('trackEnd')
  caller.send({ command: 'tts', text })
  await ended
}

/** Calls through the server at `url`, as their clients hear them. */
export async function* callSamples(url: string): AsyncGenerator<Sample> {
  for (const option of CODECS) {
    const name = ['01-speech', ...Object.values(option)].join('-')
    const heard = await hear(url, option, (caller) => say(caller, TEXT))
    yield { name, heard, listenFor: 'The same voice at the same pitch and pace in every codec.' }
  }
  yield {
    name: '02-interrupt',
    listenFor: 'The first sentence is cut off, in the middle of a word; no click.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'tts', text: TEXT })
      await Bun.sleep(1_500)
      caller.send({ command: 'interrupt' })
      await Bun.sleep(500)
      await say(caller, 'As you wish.')
    }),
  }
  yield {
    name: '03-pause',
    listenFor: 'A tone, half a second of silence, the same tone: no click at either end.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'play', url: 'tone.wav' })
      await Bun.sleep(1_200)
      caller.send({ command: 'pause' })
      await Bun.sleep(500)
      caller.send({ command: 'resume' })
      await Bun.sleep(1_000)
      caller.send({ command: 'interrupt' })
      await Bun.sleep(300)
    }),
  }
  yield {
    name: '04-replace',
    listenFor: 'A tone gives way to speech at once; no click.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'play', url: 'tone.wav' })
      await Bun.sleep(1_000)
      caller.send({ command: 'tts', text: 'This is more important.' })
      await caller.next('trackEnd')
      await caller.next('trackEnd')
    }),
  }
  yield {
    name: '05-ambiance',
    listenFor: 'A room that gives way to the voice and comes back, without a seam.',
    heard: await hear(url, { ambiance: { url: 'room.wav', level: 0.8 } }, async (caller) => {
      await Bun.sleep(2_500)
      await say(caller, TEXT)
      await Bun.sleep(2_500)
    }),
  }
  yield {
    name: '06-dtmf',
    listenFor: 'A tone that waits while four keys are pressed.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'play', url: 'tone.wav' })
      await Bun.sleep(800)
      caller.send({ command: 'dtmf', digits: '159#' })
      await Bun.sleep(1_600)
      caller.send({ command: 'interrupt' })
      await Bun.sleep(200)
    }),
  }
  yield {
    name: '07-too-loud',
    listenFor: 'Two tones, 9 dB louder than there is room for: loud, but clean.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'play', url: 'loud.wav', volume: 3 })
      await caller.next('trackEnd')
    }),
  }
  yield {
    name: '08-mute',
    listenFor: 'A tone, nothing for half a second, the tone; no click.',
    heard: await hear(url, {}, async (caller) => {
      caller.send({ command: 'play', url: 'tone.wav' })
      await Bun.sleep(1_000)
      caller.send({ command: 'mute', trackId: PLAYBACK_TRACK_ID })
      await Bun.sleep(500)
      caller.send({ command: 'unmute', trackId: PLAYBACK_TRACK_ID })
      await Bun.sleep(1_000)
      caller.send({ command: 'interrupt' })
      await Bun.sleep(200)
    }),
  }
  yield await recorded(url)
}

/** A recorded call: the file, not what the client hears. */
async function recorded(url: string): Promise<Sample> {
  const id = 'listen'
  const speech = await speechFrames('pcmu')
  const caller = await Caller.connect(url, `?id=${id}`)
  await caller.invite({ codec: 'pcmu', recorder: {} })
  let sent = 0
  const speaking = setInterval(() => caller.sendAudio(speech[sent++ % speech.length]!), 20)
  await Bun.sleep(3_500)
  await say(caller, 'I go forward ten meters. Anything else?')
  await Bun.sleep(3_000)
  clearInterval(speaking)
  await caller.hangup()
  const file = await finishedRecording(`${url}/calls/${id}`)
  return {
    name: '09-recording',
    channels: 2,
    heard: { samples: new Int16Array(file.slice(44)), sampleRate: 16_000 },
    listenFor: 'Left the caller ("go forward ten meters"), right our voice; both at their time.',
  }
}

/** The file is complete when the record of its call says how long it is. */
async function finishedRecording(callUrl: string): Promise<ArrayBuffer> {
  for (let i = 0; i < 100; i += 1) {
    const call = (await (await fetch(callUrl)).json()) as { recording?: { durationMs?: number } }
    if (call.recording?.durationMs !== undefined) {
      return (await fetch(`${callUrl}/recording`)).arrayBuffer()
    }
    await Bun.sleep(100)
  }
  throw new Error('the recording was not finished within 10 seconds')
}
