import type { ExpectedSource } from './rtp-port.ts'

/** What a table finds; it has nothing to do with it. */
export interface Channel {
  close(): void
}

interface Source {
  readonly ssrc: number
  readonly port: number
  readonly address: string
}

/** What the table knows of a channel. */
interface Entry<C> {
  readonly channel: C
  /** Where it may send from, as it announced; */
  expected: ExpectedSource | undefined
  /** nothing has come from anywhere since then. */
  isWaiting: boolean
  /** Where its packets come from. */
  claimed: Source | undefined
}

/** Finds the channel that a packet belongs to, by where it comes from. Knows no packets. */
export class RouteTable<C extends Channel> {
  readonly #entries = new Map<C, Entry<C>>()
  /** By address and port; seldom more than one. */
  readonly #bySource = new Map<string, Map<number, Entry<C>[]>>()
  readonly #bySsrc = new Map<number, Entry<C>>()
  readonly #waiting = new Set<Entry<C>>()

  get size(): number {
    return this.#entries.size
  }

  add(channel: C): void {
    this.#entries.set(channel, {
      channel,
      expected: undefined,
      isWaiting: false,
      claimed: undefined,
    })
  }

  /** Packets from `expected` are the channel's from now on, beside those that it has claimed. */
  expect(channel: C, expected: ExpectedSource): void {
    const entry = this.#entries.get(channel)
    if (entry === undefined) return
    this.#forgetExpected(entry)
    entry.expected = expected
    entry.isWaiting = true
    this.#waiting.add(entry)
    this.#addRoute(entry, expected.port, expected.address)
    if (expected.ssrc !== undefined) this.#addSsrc(entry, expected.ssrc)
  }

  /** The channel's packets come from `source`; and from where they were expected, if at all. */
  claim(channel: C, source: Source): void {
    const entry = this.#entries.get(channel)
    if (entry === undefined) return
    this.#forgetClaimed(entry)
    this.#stopWaiting(entry)
    entry.claimed = source
    this.#addRoute(entry, source.port, source.address)
    this.#addSsrc(entry, source.ssrc)
  }

  remove(channel: C): void {
    const entry = this.#entries.get(channel)
    if (entry === undefined) return
    this.#forgetExpected(entry)
    this.#forgetClaimed(entry)
    this.#entries.delete(channel)
  }

  /** `ambiguous`: it may be of several, so that nobody gets it. */
  find(ssrc: number, port: number, address: string): C | 'ambiguous' | undefined {
    const entries = this.#bySource.get(address)?.get(port)
    if (entries?.length === 1) return entries[0]?.channel
    const bySsrc = this.#bySsrc.get(ssrc)
    if (bySsrc !== undefined && (entries === undefined || entries.includes(bySsrc))) {
      return bySsrc.channel
    }
    const candidates = entries?.filter(({ isWaiting }) => isWaiting)
    return onlyOne(candidates ?? this.#waitingFor(address))
  }

  #waitingFor(address: string): Entry<C>[] {
    const found: Entry<C>[] = []
    for (const entry of this.#waiting) {
      const { expected } = entry
      if (address === expected?.address || address === expected?.natAddress) found.push(entry)
    }
    return found
  }

  #forgetExpected(entry: Entry<C>): void {
    const { expected, claimed } = entry
    entry.expected = undefined
    this.#stopWaiting(entry)
    if (expected === undefined) return
    if (expected.ssrc !== claimed?.ssrc) this.#removeSsrc(entry, expected.ssrc)
    if (expected.port === claimed?.port && expected.address === claimed.address) return
    this.#removeRoute(entry, expected.port, expected.address)
  }

  #forgetClaimed(entry: Entry<C>): void {
    const { expected, claimed } = entry
    entry.claimed = undefined
    if (claimed === undefined) return
    this.#removeSsrc(entry, claimed.ssrc)
    if (claimed.port === expected?.port && claimed.address === expected.address) return
    this.#removeRoute(entry, claimed.port, claimed.address)
  }

  #stopWaiting(entry: Entry<C>): void {
    entry.isWaiting = false
    this.#waiting.delete(entry)
  }

  #addSsrc(entry: Entry<C>, ssrc: number): void {
    // The first keeps it, so that nobody can take another call's packets by using its SSRC.
    if (!this.#bySsrc.has(ssrc)) this.#bySsrc.set(ssrc, entry)
  }

  #removeSsrc(entry: Entry<C>, ssrc: number | undefined): void {
    if (ssrc !== undefined && this.#bySsrc.get(ssrc) === entry) this.#bySsrc.delete(ssrc)
  }

  #addRoute(entry: Entry<C>, port: number, address: string): void {
    let ports = this.#bySource.get(address)
    if (ports === undefined) {
      ports = new Map()
      this.#bySource.set(address, ports)
    }
    const entries = ports.get(port)
    if (entries === undefined) ports.set(port, [entry])
    else if (!entries.includes(entry)) entries.push(entry)
  }

  #removeRoute(entry: Entry<C>, port: number, address: string): void {
    const ports = this.#bySource.get(address)
    const rest = ports?.get(port)?.filter((other) => other !== entry)
    if (ports === undefined || rest === undefined) return
    if (rest.length > 0) ports.set(port, rest)
    else ports.delete(port)
    if (ports.size === 0) this.#bySource.delete(address)
  }
}

function onlyOne<C extends Channel>(entries: readonly Entry<C>[]): C | 'ambiguous' | undefined {
  return entries.length > 1 ? 'ambiguous' : entries[0]?.channel
}
