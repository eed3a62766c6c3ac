import { expect, test } from 'bun:test'
import { PlayoutClock } from '#rtp/playout-clock.ts'

function ticks(timesMs: readonly number[]): number[] {
  const clock = new PlayoutClock()
  return timesMs.map((nowMs) => clock.tick(nowMs, 20))
}

test('a frame is due when it is pulled', () => {
  expect(ticks([7, 27, 47])).toEqual([7, 27, 47])
})

test('a little late is not late', () => {
  expect(ticks([0, 23, 41, 65])).toEqual([0, 20, 40, 60])
})

test('frames that are made up for are due when they should have been pulled', () => {
  expect(ticks([0, 100, 110, 120, 130, 140, 150, 160])).toEqual([0, 20, 40, 60, 80, 100, 120, 140])
})

test('frames that are never made up for are gone', () => {
  expect(ticks([0, 100, 120, 140])).toEqual([0, 20, 120, 140])
})

test('nothing is due before it was pulled, nor half a second after', () => {
  expect(ticks([100, 100, 110, 700, 720])).toEqual([100, 100, 110, 700, 720])
})
