/** Keys by row and column, as on the pad (ITU-T Q.23). */
export const DTMF_KEYS = ['123A', '456B', '789C', '*0#D'] as const
/** Frequencies of the rows and of the columns, in Hz. */
export const DTMF_ROWS_HZ = [697, 770, 852, 941] as const
export const DTMF_COLUMNS_HZ = [1209, 1336, 1477, 1633] as const

/** The two tones of a key, in Hz; undefined for what is no key. */
export function dtmfTones(key: string): readonly [row: number, column: number] | undefined {
  if (key.length !== 1) return undefined
  const row = DTMF_KEYS.findIndex((keys) => keys.includes(key))
  const column = DTMF_KEYS[row]?.indexOf(key) ?? -1
  if (row === -1 || column === -1) return undefined
  return [DTMF_ROWS_HZ[row]!, DTMF_COLUMNS_HZ[column]!]
}
