import pino, { type Logger } from 'pino'

export type { Logger }

/**
 * The process log: one JSON line per change of state, to standard output, written before the call
 * returns. Never used on the live audio path.
 */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serializeError, fault: serializeError },
    },
    pino.destination({ fd: 1, sync: true }),
  )
}

/** An error with its stack and causes; JSON alone would show it as `{}`. */
function serializeError(value: unknown): unknown {
  return value instanceof Error ? pino.stdSerializers.errWithCause(value) : value
}
