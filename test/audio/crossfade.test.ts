import { expect, test } from 'bun:test'
import { crossfade } from '#audio/crossfade.ts'

test('leads over from one sound to the other, and leaves the rest alone', () => {
  const samples = new Int16Array(6).fill(100)
  crossfade(new Int16Array(6).fill(-100), samples, 4)
  expect([...samples]).toEqual([-50, 0, 50, 100, 100, 100])
})
