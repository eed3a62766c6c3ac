import type { ServerWebSocket } from 'bun'
import type { Call } from '#call/call.ts'
import type { CallClient } from '#call/call-client.ts'
import type { CallRegistry } from '#call/call-registry.ts'
import type { InboundOffer, InboundWaiter } from '#call/inbound-calls.ts'
import { PLAYBACK_TRACK_ID } from '#call/playback-slot.ts'
import { unsupportedOptions } from '#protocol/call-option.ts'
import type { CallType } from '#protocol/call-record.ts'
import type { CallSocketQuery } from '#protocol/call-socket-query.ts'
import { CLOSE_CODES, type CloseReason } from '#protocol/close-code.ts'
import type { CallEvent } from '#protocol/event.ts'
import { CommandError, type ParsedCommand, parseCommand } from '#protocol/parse-command.ts'
import { redactText } from '#protocol/redact.ts'
import { Inbox } from './inbox.ts'

/** What may wait in the socket for a client to read it; more than that ends the call. */
const MAX_UNREAD_BYTES = 512 * 1024
/** How long a client has to answer our close frame. */
const CLOSE_GRACE_MS = 3_000
/** A close frame carries at most this much text (RFC 6455 §5.5). */
const MAX_CLOSE_REASON_BYTES = 123
/** What of a message that was no command is kept in the journal. */
const MAX_KEPT_CHARS = 2_000

export interface CallSocketOptions extends CallSocketQuery {
  readonly id: string
  readonly type: CallType
  readonly inviteTimeoutMs: number
}

/** What Bun gives as the reason after it has closed a socket for the size of a message. */
const TOO_BIG = 'Received too big message'

type State = 'opening' | 'waiting' | 'live' | 'closing' | 'closed'

/**
 * The client's socket of one call: reads commands and audio from it, writes events and audio to
 * it, and watches that the client is there and keeps up.
 *
 *   opening ──► waiting ──► live ──► closing ──► closed
 *                  └────────────────────▲
 */
export class CallSocket implements CallClient, InboundWaiter {
  readonly #registry: CallRegistry
  readonly #options: CallSocketOptions
  readonly #inbox = new Inbox((text) => this.#handle(text))
  #state: State = 'opening'
  #ws: ServerWebSocket<CallSocket> | undefined
  #call: Call | undefined
  #inviteTimer: ReturnType<typeof setTimeout> | undefined
  #pingTimer: ReturnType<typeof setInterval> | undefined
  #closeTimer: ReturnType<typeof setTimeout> | undefined
  #unansweredPings = 0

  /** The id in `options` is reserved in the registry from here on. */
  constructor(registry: CallRegistry, options: CallSocketOptions) {
    this.#registry = registry
    this.#options = options
    registry.reserve(options.id, () => this.close('stopping', 'server_shutdown'))
  }

  /** Gives the id back when the upgrade did not come about. */
  abandon(): void {
    this.#state = 'closed'
    this.#registry.release(this.#options.id)
  }

  // What the socket reports.

  opened(ws: ServerWebSocket<CallSocket>): void {
    this.#ws = ws
    this.#state = 'waiting'
    const { id, type, inviteTimeoutMs, ping } = this.#options
    if (ping > 0) this.#pingTimer = setInterval(() => this.#ping(), ping * 1000)
    if (type === 'sip' && this.#registry.inbound.wait(this, id)) return
    const giveUp = () => this.close('noFirstMessage', 'no_invite')
    this.#inviteTimer = setTimeout(giveUp, inviteTimeoutMs)
  }

  received(message: string | Uint8Array): void {
    this.#unansweredPings = 0
    if (this.#state === 'closing' || this.#state === 'closed') return
    if (typeof message !== 'string') {
      this.#receiveAudio(message)
      return
    }
    if (this.#inbox.push(message)) return
    const cause = { reason: 'over_limit', initiator: 'system' }
    if (this.#call === undefined) this.close('overLimit', cause.reason)
    else this.#call.end(cause, 'overLimit')
  }

  ponged(): void {
    this.#unansweredPings = 0
  }

  /** The socket is gone, whoever closed it. */
  closed(reason: string): void {
    this.#state = 'closed'
    this.#ws = undefined
    this.#inbox.clear()
    this.#registry.inbound.leave(this)
    clearTimeout(this.#inviteTimer)
    clearInterval(this.#pingTimer)
    clearTimeout(this.#closeTimer)
    if (this.#call === undefined) this.#registry.release(this.#options.id)
    else if (reason === TOO_BIG) {
      this.#call.end({ reason: 'message_too_big', initiator: 'system' }, 'tooBig')
    } else {
      this.#call.end({ reason: 'disconnected', initiator: 'user' })
    }
  }

  /** Gives the client an inbound call to decide on. */
  offer(offer: InboundOffer): void {
    this.#state = 'live'
    const { id, type, dump } = this.#options
    const option = { caller: offer.caller, callee: offer.callee }
    this.#call = this.#registry.create({ id, type, hasEvents: dump }, option, this, offer)
    this.#call.offered()
  }

  // What the call asks for.

  send(event: CallEvent): void {
    if (this.#ws === undefined || this.#state === 'closing') return
    if (this.#ws.sendText(JSON.stringify(event)) <= 0) this.#checkUnread()
  }

  sendAudio(payload: Uint8Array): void {
    if (this.#options.audio === 'json') {
      const trackId = PLAYBACK_TRACK_ID
      this.send({ event: 'binary', trackId, timestamp: Date.now(), data: [...payload] })
      return
    }
    if (this.#ws === undefined || this.#state === 'closing') return
    if (this.#ws.sendBinary(payload) <= 0) this.#checkUnread()
  }

  close(why: CloseReason, reason: string): void {
    clearTimeout(this.#inviteTimer)
    this.#registry.inbound.leave(this)
    const ws = this.#ws
    if (ws === undefined || this.#state === 'closing') return
    this.#state = 'closing'
    const [code] = CLOSE_CODES[why]
    // Before the close, which may tell `closed` at once.
    this.#closeTimer = setTimeout(() => ws.terminate(), CLOSE_GRACE_MS)
    ws.close(code, truncate(reason, MAX_CLOSE_REASON_BYTES))
  }

  /** Bytes wait in the socket: too many, and the client is not keeping up. */
  #checkUnread(): void {
    if (this.#ws === undefined || this.#ws.getBufferedAmount() <= MAX_UNREAD_BYTES) return
    // Not at once: the call is in the middle of the step that sent this.
    queueMicrotask(() => this.#call?.end({ reason: 'too_slow', initiator: 'system' }, 'tooSlow'))
  }

  #ping(): void {
    // Two whole intervals without a sign of life, then the client is gone.
    if (this.#unansweredPings >= 2) {
      this.#call?.end({ reason: 'connection_lost', initiator: 'system' })
      this.#ws?.terminate()
      return
    }
    this.#unansweredPings += 1
    this.#ws?.ping()
  }

  #receiveAudio(message: Uint8Array): void {
    if (this.#call !== undefined) this.#call.receivePayload(message)
    else this.#refuseFirst('the first message must be an invite or accept command, not audio')
  }

  #handle(text: string): void {
    if (this.#state !== 'waiting' && this.#state !== 'live') return
    let parsed: ParsedCommand
    try {
      parsed = parseCommand(text)
    } catch (error) {
      this.#refuse(text, error)
      return
    }
    if (this.#call === undefined) this.#begin(parsed)
    else {
      const { command, message } = parsed
      this.#call.received(command.command, message)
      if (command.command !== 'accept') this.#call.handle(command)
      else this.#call.accept(command.option, unsupportedOptions(message))
    }
  }

  #begin({ command, message }: ParsedCommand): void {
    if (command.command !== 'invite' && command.command !== 'accept') {
      const name = command.command
      this.#refuseFirst(`the first message must be an invite or accept command, not ${name}`)
      return
    }
    if (command.command === 'accept' && this.#options.type === 'sip') {
      this.#refuseFirst('accept: no call has come in yet; wait for the incoming event')
      return
    }
    clearTimeout(this.#inviteTimer)
    this.#registry.inbound.leave(this)
    this.#state = 'live'
    const { id, type, dump } = this.#options
    const call = this.#registry.create({ id, type, hasEvents: dump }, command.option, this)
    this.#call = call
    call.received(command.command, message)
    // `start` reports its own failures as events of the call.
    void call.start(unsupportedOptions(message))
  }

  /** Answers a message that was no command. */
  #refuse(text: string, error: unknown): void {
    const message = error instanceof CommandError ? error.message : 'message: is not valid'
    if (this.#call === undefined) {
      this.#refuseFirst(`the first message must be an invite or accept command: ${message}`)
      return
    }
    this.#call.received('invalid', { message: redactText(text).slice(0, MAX_KEPT_CHARS) })
    this.#call.refuse(message)
  }

  #refuseFirst(error: string): void {
    if (this.#state !== 'waiting') return
    const { id: trackId } = this.#options
    const timestamp = Date.now()
    this.send({ event: 'error', trackId, timestamp, sender: 'command', error, code: 400 })
    this.close('badFirstMessage', 'bad_first_message')
  }
}

/** `text` cut to at most `maxBytes` of UTF-8, at a character. */
function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  let end = maxBytes
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end).toString()
}
