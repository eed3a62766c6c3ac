/**
 * What RFC 4733 §2.3 puts into a packet for a key that is held down:
 *
 *    0               1               2               3
 *   ├───────────────┼─┬─┬───────────┼───────────────┴───────────────┤
 *   │     event     │E│R│  volume   │           duration            │
 *   └───────────────┴─┴─┴───────────┴───────────────────────────────┘
 */
export const TELEPHONE_EVENT_BYTES = 4
/** Longest that one packet can say, in timestamp units. */
export const MAX_EVENT_DURATION = 0xffff
/** The keys, each at the place of its event number (RFC 4733 §3.2). */
export const EVENT_KEYS = '0123456789*#ABCD'
/** Set in the second byte when the key has been let go. */
export const END_BIT = 0x80
