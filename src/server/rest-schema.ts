import { z } from 'zod'
import { CallEventRecord, CallType } from '#protocol/call-record.ts'

/** `GET /call/lists`, as the specification has it. */
export const LiveCalls = z
  .object({
    calls: z.array(
      z.object({
        id: z.string().describe('Session id.'),
        call_type: CallType,
        created_at: z.iso.datetime(),
        option: z.record(z.string(), z.unknown()).describe('As invited, secrets redacted.'),
      }),
    ),
  })
  .meta({ id: 'LiveCalls' })

export const EventsQuery = z.object({
  after: z.coerce
    .number()
    .int()
    .min(-1)
    .default(-1)
    .describe('Only events with a higher sequence; the `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
})

export const EventsPage = z
  .object({
    events: z.array(CallEventRecord),
    next: z.int().optional().describe('Present when there is more: the next `after`.'),
  })
  .meta({ id: 'EventsPage' })

export const Health = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    uptimeSeconds: z.int(),
  })
  .meta({ id: 'Health' })

export const Readiness = z
  .object({
    ready: z.boolean(),
    reasons: z.array(z.string()).describe('Why not; empty when ready.'),
  })
  .meta({ id: 'Readiness' })
