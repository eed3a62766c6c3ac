import { expect, test } from 'bun:test'
import { clausePauseMs } from '#speech/flite/clause-pause.ts'

test.each([
  ['Hello there. ', 220],
  ['He said "Stop!" ', 220],
  ['你好。', 220],
  ['a line\n', 220],
  ['I wonder... ', 150],
  ['like this: ', 150],
  ['we came — ', 150],
  ['we came - ', 150],
  ['Please hold the line, ', 80],
  ['我是小明，', 80],
  ['cut off ', 30],
  ['a well-', 30],
])('after %j the voice rests %d ms', (clause, pauseMs) => {
  expect(clausePauseMs(clause)).toBe(pauseMs)
})
