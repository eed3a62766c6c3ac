import type { MediaDescription } from './session-description.ts'

/** What a payload type means in one SDP. */
export interface PayloadFormat {
  readonly payloadType: number
  /** Lower-case encoding name: `pcmu`, `opus`, `telephone-event`, `cn`, … */
  readonly name: string
  readonly clockRate: number
  /** Format parameters, as they came. */
  readonly parameters: string | undefined
}

/** RFC 3551 §6: what the numbers mean when no rtpmap says so. */
const STATIC: Readonly<Record<number, readonly [name: string, clockRate: number]>> = {
  0: ['pcmu', 8_000],
  3: ['gsm', 8_000],
  4: ['g723', 8_000],
  8: ['pcma', 8_000],
  9: ['g722', 8_000],
  13: ['cn', 8_000],
  15: ['g728', 8_000],
  18: ['g729', 8_000],
}

/** The formats of an m-line in its order; numbers without a meaning are left out. */
export function payloadFormats(media: MediaDescription): PayloadFormat[] {
  const maps = byPayloadType(media, 'rtpmap')
  const parameters = byPayloadType(media, 'fmtp')
  const formats: PayloadFormat[] = []
  // There are no more numbers than these.
  for (const text of media.formats.slice(0, 128)) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : 128
    const meaning = readMap(maps.get(payloadType)) ?? STATIC[payloadType]
    if (payloadType > 127 || meaning === undefined) continue
    const [name, clockRate] = meaning
    formats.push({ payloadType, name, clockRate, parameters: parameters.get(payloadType) })
  }
  return formats
}

/** `111 opus/48000/2` and `101 0-16`, by the number they begin with. */
function byPayloadType(media: MediaDescription, name: string): Map<number, string> {
  const values = new Map<number, string>()
  for (const entry of media.attributes) {
    const match = entry.name === name ? /^(\d{1,3})\s+(.+)$/.exec(entry.value) : null
    if (match !== null) values.set(Number(match[1]), match[2] ?? '')
  }
  return values
}

function readMap(map: string | undefined): readonly [name: string, clockRate: number] | undefined {
  const match = /^([^/\s]+)\/(\d{1,6})(\/\d+)?\s*$/.exec(map ?? '')
  return match?.[1] === undefined ? undefined : [match[1].toLowerCase(), Number(match[2])]
}
