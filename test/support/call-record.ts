import type { CallEventRecord, CallRecord } from '#protocol/call-record.ts'

/** A record with every field that must be there. */
export function callRecord(fields: Partial<CallRecord> = {}): CallRecord {
  return {
    recordId: Bun.randomUUIDv7(),
    id: 'a',
    type: 'websocket',
    direction: 'outbound',
    state: 'active',
    hasEvents: true,
    startedAt: 1_700_000_000_000,
    ...fields,
  }
}

export function callEvent(
  { recordId }: CallRecord,
  sequence: number,
  fields: Partial<CallEventRecord> = {},
): CallEventRecord {
  const at = 1_700_000_000_000 + sequence * 100
  return { recordId, sequence, at, direction: 'sent', name: 'answer', data: {}, ...fields }
}
