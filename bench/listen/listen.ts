/**
 * Writes recordings for a person to listen to: `bun run bench:listen [DIRECTORY]`, two minutes.
 * Most are real calls through a server of their own, as the client hears them; each is also searched
 * for clicks and holes. `index.html` in the directory plays them with a word on what to listen for.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { wavHeader } from '#audio/wav-writer.ts'
import { startServer } from '../support/server.ts'
import { callSamples } from './call-samples.ts'
import { type Findings, findClicks } from './find-clicks.ts'
import { indexPage, type Sample } from './index-page.ts'
import { writeMedia } from './media.ts'
import { offlineSamples } from './offline-samples.ts'

const directory = resolve(process.argv[2] ?? 'listen')
await mkdir(directory, { recursive: true })
const mediaDirectory = join(directory, 'media')
await writeMedia(mediaDirectory)

const samples: Sample[] = []

async function keep(sample: Sample): Promise<void> {
  const { name, channels = 1, heard } = sample
  const { sampleRate } = heard
  const bytes = new Uint8Array(heard.samples.slice().buffer)
  const header = wavHeader({ sampleRate, channels, dataBytes: bytes.length })
  await Bun.write(join(directory, `${name}.wav`), [header, bytes])
  samples.push(sample)
  const found = Array.from({ length: channels }, (_, channel) =>
    describe(findClicks(everyNth(heard.samples, channels, channel), sampleRate)),
  )
  const seconds = (heard.samples.length / sampleRate / channels).toFixed(1)
  console.log(
    `| ${name}.wav | ${seconds} s | ${found.filter(Boolean).join(', ') || 'none'} | ${sample.listenFor} |`,
  )
}

function describe({ clicksMs, gapsMs }: Findings): string {
  return [
    ...clicksMs.map((ms) => `click at ${ms.toFixed(0)} ms`),
    ...gapsMs.map((ms) => `gap at ${ms.toFixed(0)} ms`),
  ].join(', ')
}

function everyNth(samples: Int16Array, n: number, from: number): Int16Array {
  return n === 1 ? samples : samples.filter((_, i) => i % n === from)
}

console.log('| file | length | clicks and holes found | listen for |\n|---|---|---|---|')
for await (const sample of offlineSamples()) await keep(sample)
await using server = await startServer({ MEDIA_DIR: mediaDirectory })
for await (const sample of callSamples(server.url)) await keep(sample)
samples.sort((a, b) => a.name.localeCompare(b.name))
await Bun.write(join(directory, 'index.html'), indexPage(samples))
console.log(`\nopen ${join(directory, 'index.html')}`)
