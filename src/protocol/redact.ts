const SECRET_KEY = /secret|password|passwd|token|api_?key|authorization|credential|signature/i
const SECRET_PARAMETER =
  /([?&](?:[^=&#]*(?:token|secret|key|sig|password|credential)[^=&#]*)=)[^&#]*/gi
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/@?#]*@/i
const MAX_DEPTH = 16

const REDACTED = '[redacted]'

/**
 * A copy of a JSON value without its secrets: values under tell-tale keys, user info and signing
 * parameters of URLs. For everything that is stored, listed or logged.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactUrl(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return REDACTED
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return redactObject(value as Record<string, unknown>, depth)
}

/** As `redact`, for a JSON object. */
export function redactObject(value: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, item]) => {
    const isSecret = SECRET_KEY.test(key) && item !== null && item !== undefined
    return [key, isSecret ? REDACTED : redact(item, depth + 1)]
  })
  return Object.fromEntries(entries)
}

function redactUrl(text: string): string {
  if (!text.includes('://')) return text
  return text.replace(USER_INFO, `$1${REDACTED}@`).replace(SECRET_PARAMETER, `$1${REDACTED}`)
}
