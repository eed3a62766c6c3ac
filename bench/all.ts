/** Runs every bench, one after the other, each in a process of its own. */
const FILES = [
  'audio',
  'pipeline',
  'opus',
  'quality',
  'playout',
  'rtp',
  'denoise',
  'echo',
  'recorder',
  'vad',
  'vad-quality',
  'store',
  'play',
  'tts',
  'latency',
  'calls',
]

for (const file of FILES) {
  console.log(`\n# ${file}\n`)
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/${file}.ts`], {
    stdout: 'inherit',
    stderr: 'inherit',
  })
  if ((await child.exited) !== 0) process.exit(1)
}
