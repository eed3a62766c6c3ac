import { describe, expect, test } from 'bun:test'
import { NoiseFloor } from '#speech/energy/noise-floor.ts'

const WINDOW_MS = 20

function hear(floor: NoiseFloor, ms: number, levelDb: (window: number) => number): void {
  for (let window = 0; window < ms / WINDOW_MS; window += 1) floor.update(levelDb(window))
}

describe('NoiseFloor', () => {
  test('falls with the noise within a moment', () => {
    const floor = new NoiseFloor(WINDOW_MS)
    hear(floor, 400, () => -55)
    expect(floor.db).toBeLessThan(-52)
    expect(floor.db).toBeGreaterThan(-56)
  })

  test('rises to steady noise after a second, not before', () => {
    const floor = new NoiseFloor(WINDOW_MS)
    hear(floor, 2000, () => -60)
    hear(floor, 800, () => -30)
    expect(floor.db).toBeLessThan(-55)
    hear(floor, 1000, () => -30)
    expect(floor.db).toBeGreaterThan(-32)
  })

  test('keeps below sound that comes and goes as syllables do', () => {
    const floor = new NoiseFloor(WINDOW_MS)
    hear(floor, 2000, () => -60)
    hear(floor, 20_000, (window) => (window % 15 < 10 ? -25 : -50))
    expect(floor.db).toBeLessThan(-38)
  })

  test('learns nothing from a far end that sends nothing', () => {
    const floor = new NoiseFloor(WINDOW_MS)
    hear(floor, 2000, () => -45)
    const before = floor.db
    hear(floor, 10_000, () => -120)
    expect(floor.db).toBe(before)
  })

  test('never falls so low that the last bit of a codec would rise out of it', () => {
    const floor = new NoiseFloor(WINDOW_MS)
    hear(floor, 5000, () => -80)
    expect(floor.db).toBe(-65)
  })
})
