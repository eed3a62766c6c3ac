import type { Core } from 'sip.js'
import type { TransferRequest } from './sip-call.ts'

/** What a NOTIFY of a transfer says (RFC 3515 §2.4.5): the status line of the call it has led to. */
export function readNotify(message: Core.IncomingRequestMessage): {
  readonly isOfTransfer: boolean
  readonly status: number | undefined
  readonly isLast: boolean
} {
  const status = /^SIP\/2\.0 (\d{3})/.exec(message.body ?? '')?.[1]
  return {
    isOfTransfer: /^refer\b/i.test(message.getHeader('event') ?? ''),
    status: status === undefined ? undefined : Number(status),
    isLast: /^terminated/i.test(message.getHeader('subscription-state') ?? ''),
  }
}

/**
 * Takes a REFER: 202 at once and the NOTIFY that must follow it (RFC 3515 §2.4.4), then what
 * `finish` is told. Undefined, and 400, when it does not say whereto.
 */
export function takeRefer(
  request: Core.IncomingReferRequest,
  session: Core.Session,
): TransferRequest | undefined {
  const referTo = request.message.getHeader('refer-to')
  const target = /<([^>]+)>/.exec(referTo ?? '')?.[1] ?? referTo?.replace(/;.*$/, '').trim()
  if (target === undefined || target === '') {
    request.reject({ statusCode: 400, reasonPhrase: 'No Refer-To' })
    return undefined
  }
  request.accept({ statusCode: 202 })
  // RFC 3515 §2.4.6: the CSeq of the REFER tells several apart.
  const event = `Event: refer;id=${request.message.cseq}`
  const notify = (status: number, state: string): void => {
    const extraHeaders = [event, `Subscription-State: ${state}`]
    const content = `SIP/2.0 ${status} ${status === 100 ? 'Trying' : 'Done'}\r\n`
    const body = {
      contentDisposition: 'render',
      contentType: 'message/sipfrag;version=2.0',
      content,
    }
    session.notify({}, { extraHeaders, body })
  }
  notify(100, 'active;expires=180')
  let isFinished = false
  return {
    target,
    referredBy: uriOf(request.message.getHeader('referred-by')),
    finish(status) {
      if (isFinished || session.sessionState === 'Terminated') return
      isFinished = true
      notify(status, 'terminated;reason=noresource')
    },
  }
}

function uriOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  return /<([^>]+)>/.exec(value)?.[1] ?? value
}

/** A key in an INFO: `Signal=5` and `Duration=160`, or the bare key. */
export function readInfoDtmf(
  message: Core.IncomingRequestMessage,
): { readonly digit: string; readonly durationMs: number } | undefined {
  const type = message.getHeader('content-type') ?? ''
  const body = message.body ?? ''
  const isRelay = /^application\/dtmf-relay/i.test(type)
  if (!isRelay && !/^application\/dtmf/i.test(type)) return undefined
  const text = isRelay ? /^\s*Signal\s*=\s*(\S+)/im.exec(body)?.[1] : body.trim()
  const digit = EVENT_NUMBERS[text ?? ''] ?? text?.toUpperCase()
  if (digit === undefined || !/^[0-9A-D*#]$/.test(digit)) return undefined
  const duration = Number(/^\s*Duration\s*=\s*(\d{1,5})/im.exec(body)?.[1] ?? 250)
  return { digit, durationMs: duration }
}

/** Some send the number of the event (RFC 4733 §3.2) in place of the sign. */
const EVENT_NUMBERS: Readonly<Record<string, string>> = { '10': '*', '11': '#' }
