import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/** One row per call. Times are epoch milliseconds; JSON is text. */
export const calls = sqliteTable(
  'calls',
  {
    recordId: text('record_id').primaryKey(),
    /** Session id: may come again after its call has ended. */
    id: text('id').notNull(),
    type: text('type').notNull(),
    direction: text('direction').notNull(),
    state: text('state').notNull(),
    caller: text('caller'),
    callee: text('callee'),
    codec: text('codec'),
    hasEvents: integer('has_events', { mode: 'boolean' }).notNull(),
    option: text('option', { mode: 'json' }),
    startedAt: integer('started_at').notNull(),
    answeredAt: integer('answered_at'),
    endedAt: integer('ended_at'),
    reason: text('reason'),
    initiator: text('initiator'),
    fault: text('fault'),
    stats: text('stats', { mode: 'json' }),
    recording: text('recording', { mode: 'json' }),
    /** Apart from the rest, because they are long and only wanted of one call at a time. */
    recordingPeaks: text('recording_peaks', { mode: 'json' }),
  },
  (table) => [
    index('calls_by_id').on(table.id, table.startedAt),
    // The order of every page of history; each filter has its own, in that same order.
    index('calls_by_time').on(table.startedAt, table.recordId),
    index('calls_by_type').on(table.type, table.startedAt, table.recordId),
    index('calls_by_state').on(table.state, table.startedAt, table.recordId),
    index('calls_by_caller').on(table.caller, table.startedAt, table.recordId),
    index('calls_by_callee').on(table.callee, table.startedAt, table.recordId),
    index('calls_by_reason').on(table.reason, table.startedAt, table.recordId),
  ],
)

/** Every command received and every event sent, of calls with `dump`. */
export const callEvents = sqliteTable(
  'call_events',
  {
    recordId: text('record_id').notNull(),
    sequence: integer('sequence').notNull(),
    at: integer('at').notNull(),
    direction: text('direction').notNull(),
    name: text('name').notNull(),
    data: text('data', { mode: 'json' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.recordId, table.sequence] }),
    index('call_events_by_name').on(table.name, table.at),
  ],
)
