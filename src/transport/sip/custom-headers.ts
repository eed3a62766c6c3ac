import { SipError } from './sip-error.ts'

/** Headers that a client wants to be sent, by their names. */
export type CustomHeaders = Readonly<Record<string, string>>

/** What signalling itself depends on; a client may not write these. */
const RESERVED =
  /^(via|v|from|f|to|t|call-id|i|cseq|contact|m|route|record-route|max-forwards|content-length|l|content-type|c|require|supported|k|rack|rseq|authorization|proxy-authorization|session-expires|x|min-se)$/i

/**
 * `Name: value` of each header that a client wants to be sent. Throws `bad_header` for what would
 * break the message (a line end begins the next header) or the call.
 */
export function formatCustomHeaders(headers: CustomHeaders = {}): string[] {
  return Object.entries(headers).map(([name, value]) => {
    if (!/^[A-Za-z0-9.!%*_+`'~-]{1,128}$/.test(name)) {
      throw new SipError('bad_header', `not the name of a header: ${JSON.stringify(name)}`)
    }
    if (RESERVED.test(name)) throw new SipError('bad_header', `${name} is set by the gateway`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value) || value.length > 4_096) {
      throw new SipError('bad_header', `the value of ${name} has line ends or is too long`)
    }
    return `${name}: ${value}`
  })
}
