const SECRET_KEY =
  /secret|passw|passphrase|token|(?:api|access|auth|private|subscription)[-_]?key|authorization|credential|signature/i
const SECRET_PARAMETER = /token|secret|key|sig|password|credential/i
// These run over what clients send, however long: none may begin again inside its own match, so
// that the time stays linear.
const PARAMETER = /([?&])([^?&=#]*)=[^&#]*/g
const USER_INFO = /:\/\/[^/?#\s]*@/g
/** A key in quotes and a plain value, in a text that may be broken JSON. */
const MEMBER =
  /(["'])([^"'\\]*)\1(\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s"'{}[\],]+)/g
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

/** As `redact`, for the text of a message that may be no JSON at all. */
export function redactText(text: string): string {
  try {
    return JSON.stringify(redact(JSON.parse(text)))
  } catch {
    return redactUrl(text).replace(MEMBER, (member, quote, key, colon) =>
      SECRET_KEY.test(key) ? `${quote}${key}${quote}${colon}${REDACTED}` : member,
    )
  }
}

function redactUrl(text: string): string {
  if (!text.includes('://')) return text
  return text
    .replace(USER_INFO, `://${REDACTED}@`)
    .replace(PARAMETER, (parameter, mark, name) =>
      SECRET_PARAMETER.test(name) ? `${mark}${name}=${REDACTED}` : parameter,
    )
}
