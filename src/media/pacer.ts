import { PTIME_MS } from '#audio/frame.ts'
import { Histogram } from '#core/histogram.ts'

/** Something that sends one frame per `PTIME_MS`. On the live path: must not throw. */
export interface Paced {
  tick(): void
}

const SLOTS = 10
const SLOT_MS = PTIME_MS / SLOTS
/** Two frames of one call are never closer than this, however late the first one was. */
const MIN_SPACING_MS = PTIME_MS / 2
/** A process that slept longer than this does not owe the frames of its sleep. */
const MAX_CATCH_UP_MS = 500
const LATENESS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]

interface Slot {
  members: Paced[]
  lastRunMs: number
}

/**
 * The one clock of all audio that leaves: a wheel of ten slots, 2 ms apart, that turns once per
 * frame. A member sits in one slot, so that the calls do not all wake in the same millisecond.
 *
 *   slot   0    1    2    3   …   9 │ 0    1        deadline(n) = start + n · 2 ms
 *          ├────┼────┼────┼── … ──┼─┼─┼────┼──►     one turn = 20 ms = one frame
 *
 * Deadlines are absolute, so nothing drifts. After a stall the missed ticks are made up for at
 * twice the pace (`MIN_SPACING_MS`); after a very long one they are skipped and counted.
 */
export class Pacer {
  /** Seconds between the time a slot was due and the time it ran. */
  readonly lateness = new Histogram(LATENESS_SECONDS)
  readonly stats = { ticks: 0, lateTicks: 0, skippedTicks: 0, faults: 0 }
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
    members: [],
    lastRunMs: -Infinity,
  }))
  #memberCount = 0
  /** The slot that runs next, and when it is due. */
  #index = 0
  #deadlineMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  get memberCount(): number {
    return this.#memberCount
  }

  /** Ticks `member` from now on, first within one turn; adding it twice is an error of ours. */
  add(member: Paced): void {
    const slot = this.#quietestSlot()
    // A new array, not a push: a turn that is under way keeps iterating over the old one.
    slot.members = [...slot.members, member]
    this.#memberCount += 1
    if (this.#timer === undefined) this.#start()
  }

  /** No further tick for `member`, not even one of a turn under way. Harmless when not a member. */
  remove(member: Paced): void {
    for (const slot of this.#slots) {
      if (!slot.members.includes(member)) continue
      slot.members = slot.members.filter((other) => other !== member)
      this.#memberCount -= 1
    }
    if (this.#memberCount === 0) this.close()
  }

  /** Stops the clock; the next `add` starts it again. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Of the emptiest slots the one that comes next. */
  #quietestSlot(): Slot {
    let best = this.#slots[this.#index] as Slot
    for (let i = 1; i < SLOTS; i += 1) {
      const slot = this.#slots[(this.#index + i) % SLOTS] as Slot
      if (slot.members.length < best.members.length) best = slot
    }
    return best
  }

  #start(): void {
    this.#deadlineMs = performance.now() + SLOT_MS
    this.#timer = setTimeout(this.#run, SLOT_MS)
  }

  readonly #run = (): void => {
    const nowMs = performance.now()
    this.#skipSleep(nowMs)
    let wakeAtMs = this.#deadlineMs
    while (this.#deadlineMs <= nowMs) {
      const slot = this.#slots[this.#index] as Slot
      if (nowMs < slot.lastRunMs + MIN_SPACING_MS) {
        wakeAtMs = slot.lastRunMs + MIN_SPACING_MS
        break
      }
      this.#runSlot(slot, nowMs)
      this.#index = (this.#index + 1) % SLOTS
      this.#deadlineMs += SLOT_MS
      wakeAtMs = this.#deadlineMs
    }
    if (this.#memberCount === 0) {
      this.close()
      return
    }
    // A member that was the last one and added another in its tick has started the clock anew.
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#run, Math.max(0, Math.ceil(wakeAtMs - performance.now())))
  }

  #runSlot(slot: Slot, nowMs: number): void {
    slot.lastRunMs = nowMs
    const { members } = slot
    if (members.length === 0) return
    const lateMs = nowMs - this.#deadlineMs
    this.lateness.observe(lateMs / 1000)
    this.stats.ticks += members.length
    if (lateMs > PTIME_MS) this.stats.lateTicks += members.length
    for (const member of members) {
      if (slot.members !== members && !slot.members.includes(member)) continue
      try {
        member.tick()
      } catch {
        // A member that breaks its promise not to throw must not cost the others their frame.
        this.stats.faults += 1
      }
    }
  }

  #skipSleep(nowMs: number): void {
    if (nowMs - this.#deadlineMs < MAX_CATCH_UP_MS) return
    const turns = Math.floor((nowMs - this.#deadlineMs) / PTIME_MS)
    this.#deadlineMs += turns * PTIME_MS
    this.stats.skippedTicks += turns * this.#memberCount
  }
}
