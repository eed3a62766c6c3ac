import { z } from 'zod'

const flag = z
  .enum(['true', 'false', '1', '0'])
  .transform((text) => text === 'true' || text === '1')

/** Query of `/call`, `/call/webrtc` and `/call/sip`. */
export const CallSocketQuery = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9._~@:-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 . _ ~ @ : -')
    .optional()
    .describe('Session id; a new UUID when absent.'),
  dump: flag.default(true).describe('Keep commands and events in the database (default true).'),
  ping: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_600)
    .default(20)
    .describe('Seconds between WebSocket ping frames; 0 is off.'),
  audio: z
    .enum(['frames', 'json'])
    .default('frames')
    .describe('Audio to the client as raw binary frames, or as `binary` events.'),
})
export type CallSocketQuery = z.infer<typeof CallSocketQuery>
