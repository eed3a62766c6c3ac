import { z } from 'zod'
import type { CallRecord } from '#protocol/call-record.ts'
import { StoreError } from './store-error.ts'

const Position = z.tuple([z.int().nonnegative(), z.string().min(1).max(64)])

type Place = Pick<CallRecord, 'startedAt' | 'recordId'>

/** Where a page of history ended, as a text that means nothing to a client. */
export function encodeCursor({ startedAt, recordId }: Place): string {
  return Buffer.from(JSON.stringify([startedAt, recordId])).toString('base64url')
}

/** @throws {StoreError} `bad_cursor` */
export function decodeCursor(cursor: string): Place {
  try {
    const text = Buffer.from(cursor, 'base64url').toString()
    const [startedAt, recordId] = Position.parse(JSON.parse(text))
    return { startedAt, recordId }
  } catch (cause) {
    const message = 'cursor: is not the `next` of a page; leave it out to start over'
    throw new StoreError('bad_cursor', message, { cause })
  }
}
