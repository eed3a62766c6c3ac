import { afterEach, beforeEach, describe, expect, jest, test } from 'bun:test'
import { Pacer } from '#media/pacer.ts'

const ticker = () => {
  const times: number[] = []
  return { times, tick: () => void times.push(performance.now()) }
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!)

describe('Pacer', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  test('ticks a member every 20 ms, the first time within one turn', () => {
    const pacer = new Pacer()
    const member = ticker()
    const start = performance.now()
    pacer.add(member)
    jest.advanceTimersByTime(1_000)
    expect(member.times).toHaveLength(50)
    expect(member.times[0]! - start).toBeLessThanOrEqual(20)
    expect(new Set(gaps(member.times))).toEqual(new Set([20]))
    pacer.close()
  })

  test('spreads its members over ten phases', () => {
    const pacer = new Pacer()
    const members = Array.from({ length: 20 }, ticker)
    for (const member of members) pacer.add(member)
    jest.advanceTimersByTime(40)
    const phases = new Map<number, number>()
    for (const { times } of members) {
      const phase = times[0]! % 20
      phases.set(phase, (phases.get(phase) ?? 0) + 1)
    }
    expect([...phases.values()]).toEqual(new Array(10).fill(2))
    pacer.close()
  })

  test('does not drift over an hour', () => {
    const pacer = new Pacer()
    let ticks = 0
    pacer.add({
      tick() {
        ticks += 1
      },
    })
    jest.advanceTimersByTime(3_600_000)
    expect(ticks).toBe(180_000)
    pacer.close()
  })

  test('runs no timer without members', () => {
    const pacer = new Pacer()
    const member = ticker()
    pacer.add(member)
    jest.advanceTimersByTime(100)
    pacer.remove(member)
    const before = member.times.length
    expect(jest.getTimerCount()).toBe(0)
    jest.advanceTimersByTime(100)
    expect(member.times).toHaveLength(before)
    pacer.add(member)
    jest.advanceTimersByTime(100)
    expect(member.times.length - before).toBe(5)
    pacer.close()
  })

  test('a member removed by another one in the same turn gets no further tick', () => {
    const pacer = new Pacer()
    const victims = Array.from({ length: 30 }, ticker)
    for (const victim of victims) pacer.add(victim)
    const killer = {
      tick() {
        for (const victim of victims) pacer.remove(victim)
      },
    }
    pacer.add(killer)
    jest.advanceTimersByTime(20)
    const counts = victims.map(({ times }) => times.length)
    jest.advanceTimersByTime(100)
    expect(victims.map(({ times }) => times.length)).toEqual(counts)
    expect(pacer.memberCount).toBe(1)
    pacer.close()
  })

  test('runs one timer, also when the last member is replaced within its own tick', () => {
    const pacer = new Pacer()
    const next = ticker()
    const last = {
      tick() {
        pacer.remove(last)
        pacer.add(next)
      },
    }
    pacer.add(last)
    jest.advanceTimersByTime(20)
    expect(jest.getTimerCount()).toBe(1)
    jest.advanceTimersByTime(1_000)
    expect(next.times.length).toBeWithin(49, 52)
    pacer.close()
    expect(jest.getTimerCount()).toBe(0)
  })

  test('a member that throws costs no other its frame', () => {
    const pacer = new Pacer()
    const bad = {
      tick: () => {
        throw new Error('broken')
      },
    }
    const good = ticker()
    for (let i = 0; i < 10; i += 1) pacer.add(bad)
    for (let i = 0; i < 10; i += 1) pacer.add(good)
    jest.advanceTimersByTime(20)
    expect(good.times).toHaveLength(10)
    expect(pacer.stats.faults).toBe(10)
    pacer.close()
  })
})

/** The event loop stands still for `ms`: no timer runs, the clock goes on. */
const stall = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const ticksWithin = async (pacer: Pacer, count: number, onTick: (n: number) => void) => {
  const times: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const member = {
    tick() {
      times.push(performance.now())
      onTick(times.length)
      if (times.length === count) resolve()
    },
  }
  pacer.add(member)
  await promise
  pacer.remove(member)
  return times
}

describe('Pacer after a stall', () => {
  test('makes up for missed ticks without a burst, and counts them', async () => {
    const pacer = new Pacer()
    const times = await ticksWithin(pacer, 30, (n) => {
      if (n === 5) stall(120)
    })
    const elapsed = times.at(-1)! - times[0]!
    expect(Math.min(...gaps(times))).toBeGreaterThanOrEqual(9)
    expect(elapsed).toBeGreaterThan(29 * 20 - 10)
    expect(elapsed).toBeLessThan(29 * 20 + 60)
    expect(pacer.stats.lateTicks).toBeGreaterThan(2)
    expect(pacer.stats.skippedTicks).toBe(0)
  })

  test('owes nothing after a long sleep', async () => {
    const pacer = new Pacer()
    await ticksWithin(pacer, 8, (n) => {
      if (n === 3) stall(800)
    })
    expect(pacer.stats.skippedTicks).toBeGreaterThan(20)
  })
})
