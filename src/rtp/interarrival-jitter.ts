/** How unevenly packets arrive (RFC 3550 §6.4.1), for receiver reports. */
export class InterarrivalJitter {
  #units = 0
  #lastTransit: number | undefined

  /** In timestamp units, not rounded. */
  get units(): number {
    return this.#units
  }

  /** Takes the transit time of the next packet as it arrived: arrival less timestamp, in units. */
  observe(transit: number): void {
    if (this.#lastTransit !== undefined) {
      // RFC 3550 §6.4.1: J = J + (|D(i-1,i)| - J) / 16.
      this.#units += (Math.abs(transit - this.#lastTransit) - this.#units) / 16
    }
    this.#lastTransit = transit
  }

  /** Another stream begins: its first packet is compared with none. */
  restart(): void {
    this.#lastTransit = undefined
  }
}
