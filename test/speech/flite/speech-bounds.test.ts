import { describe, expect, test } from 'bun:test'
import { findSpeech } from '#speech/flite/speech-bounds.ts'

const RATE = 16_000
const ms = (count: number) => (count * RATE) / 1000

/** `silence` ms at `noise`, 500 ms at `level`, `silence` ms at `noise`. */
function sound(silence: number, noise: number, level: number): Int16Array {
  const samples = new Int16Array(ms(2 * silence + 500)).fill(noise)
  return samples.fill(level, ms(silence), ms(silence + 500))
}

describe('findSpeech', () => {
  test('leaves room for a soft onset and release', () => {
    const { start, end } = findSpeech(sound(200, 0, 8000), RATE)
    expect(start).toBe(ms(175))
    expect(end).toBe(ms(730))
  })

  test('takes noise for silence that is 42 dB below the loudest sample', () => {
    const { start, end } = findSpeech(sound(200, 60, 8000), RATE)
    expect([start, end]).toEqual([ms(175), ms(730)])
  })

  test('stays within the samples', () => {
    expect(findSpeech(sound(0, 0, 8000), RATE)).toEqual({ start: 0, end: ms(500) })
  })

  test('finds nothing in silence', () => {
    expect(findSpeech(new Int16Array(1000), RATE)).toEqual({ start: 0, end: 0 })
    expect(findSpeech(new Int16Array(0), RATE)).toEqual({ start: 0, end: 0 })
  })
})
