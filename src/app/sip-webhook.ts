import { createHmac } from 'node:crypto'
import type { SipOffer } from './sip-offer.ts'

export interface WebhookOptions {
  readonly url: string
  /** Signs the request (Standard Webhooks); `whsec_` and base64, or any text. Empty: no signature. */
  readonly secret: string
  readonly timeoutMs: number
}

/** Tells an application of an inbound call, so that it opens `/call/sip?id=<dialogId>` for it. */
export class SipWebhook {
  readonly #options: WebhookOptions
  readonly #key: Buffer

  constructor(options: WebhookOptions) {
    this.#options = options
    const { secret } = options
    const encoded = /^whsec_(.+)$/.exec(secret)?.[1]
    this.#key = encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64')
  }

  /** Resolves with what was wrong, for people; undefined when the application has taken note. */
  async announce(
    dialogId: string,
    { caller, callee, sdp, headers }: SipOffer,
  ): Promise<string | undefined> {
    const createdAt = new Date().toISOString()
    const body = JSON.stringify({
      event: 'invite',
      dialogId,
      createdAt,
      caller,
      callee,
      headers,
      offer: sdp,
      // As older applications know them.
      dialog_id: dialogId,
      created_at: createdAt,
    })
    const { url, timeoutMs } = this.#options
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...this.#signature(dialogId, body) },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.body?.cancel()
      return response.ok ? undefined : `the webhook answered ${response.status}`
    } catch (error) {
      return `the webhook failed: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  /** Headers of the Standard Webhooks specification: id, time, and HMAC-SHA-256 over both and the body. */
  #signature(dialogId: string, body: string): Record<string, string> {
    const id = `msg_${dialogId}`
    const timestamp = String(Math.floor(Date.now() / 1000))
    const unsigned = { 'webhook-id': id, 'webhook-timestamp': timestamp }
    if (this.#key.length === 0) return unsigned
    const mac = createHmac('sha256', this.#key).update(`${id}.${timestamp}.${body}`)
    return { ...unsigned, 'webhook-signature': `v1,${mac.digest('base64')}` }
  }
}
