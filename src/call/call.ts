import type { CallOption } from '#protocol/call-option.ts'
import type { CallRecord } from '#protocol/call-record.ts'
import type { CloseReason } from '#protocol/close-code.ts'
import type { Command, TtsCommand } from '#protocol/command.ts'
import { redactObject } from '#protocol/redact.ts'
import { type HangupCause, type Leg, LegRejection, type LegType } from '#transport/leg.ts'
import type { CallClient } from './call-client.ts'
import type { CallDeps } from './call-deps.ts'
import { CallError, errorStatus } from './call-error.ts'
import { CallMedia } from './call-media.ts'
import type { CallMetrics } from './call-metrics.ts'
import { type CallState, nextState } from './call-state.ts'
import { EventWriter } from './event-writer.ts'
import type { InboundOffer } from './inbound-calls.ts'

/** What a call is from its first message on. */
export interface CallIdentity {
  /** Session id; also the id of the caller's track. */
  readonly id: string
  readonly type: LegType
  /** Keep commands and events in the journal. */
  readonly hasEvents: boolean
}

/** SIP: who is called does not want to (RFC 3261 §21.6.2), so nobody else is to be tried. */
const DECLINE = 603
/** SIP: not at present (RFC 3261 §21.4.18), so that another way may be tried. */
const UNAVAILABLE = 480
/** SIP: we cannot, for now (RFC 3261 §21.5.4). */
const FAILED = 503

/** One conversation: its state, the commands it obeys, and the events it sends. */
export class Call {
  readonly id: string
  readonly type: LegType
  readonly startedAt = Date.now()
  #option: CallOption
  /** What there is of an inbound call before it is answered. */
  readonly #offer: InboundOffer | undefined
  readonly #recordId = Bun.randomUUIDv7()
  readonly #hasEvents: boolean
  readonly #deps: CallDeps
  readonly #metrics: CallMetrics
  readonly #client: CallClient
  readonly #onEnded: (call: Call) => void
  readonly #events: EventWriter
  #state: CallState = 'idle'
  #answeredAt: number | undefined
  #media: CallMedia | undefined
  /** Whether the far end holds us. */
  #isHeld = false

  /** The call begins with `start`. `onEnded` comes once, when the last event has been sent. */
  constructor(
    deps: CallDeps,
    { id, type, hasEvents }: CallIdentity,
    { option, offer, client, metrics, onEnded }: CallSetup,
  ) {
    this.id = id
    this.type = type
    this.#option = option
    this.#offer = offer
    this.#hasEvents = hasEvents
    this.#deps = deps
    this.#metrics = metrics
    this.#client = client
    this.#onEnded = onEnded
    this.#events = new EventWriter(this.#recordId, client, hasEvents ? deps.journal : undefined)
    deps.journal.begin(this.#record())
  }

  get option(): CallOption {
    return this.#option
  }

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Tells the client of an inbound call, which it may `accept`, `reject`, or let ring. */
  offered(): void {
    const offer = this.#offer
    if (offer === undefined) return
    offer.onEnded = (cause) => this.end(cause)
    const { caller, callee, sdp } = offer
    this.#events.emit({ event: 'incoming', trackId: this.id, caller, callee, sdp })
  }

  /** Answers an inbound call; `unsupported` options are reported and left out. */
  accept(option: CallOption, unsupported: readonly string[]): void {
    if (this.isEnded) return
    if (this.#offer === undefined || this.#media !== undefined) {
      const message = 'accept: the call has begun already'
      this.fail('command', new CallError('invalid_transition', message))
      return
    }
    const { caller, callee } = this.#option
    this.#option = { ...option, ...(caller && { caller }), ...(callee && { callee }) }
    // `start` reports its own failures as events of the call.
    void this.start(unsupported)
  }

  /** Keeps a message of the client in the journal, before it is acted on. */
  received(name: string, message: Record<string, unknown>): void {
    this.#events.received(name, message)
  }

  /**
   * Builds the leg and its media and answers; what goes wrong ends the call. `unsupported` options
   * are reported and left out.
   */
  async start(unsupported: readonly string[] = []): Promise<void> {
    try {
      for (const name of unsupported) {
        this.fail('option', new CallError('not_supported', `option.${name}: is not supported yet`))
      }
      const leg = this.#createLeg()
      const media = this.#createMedia(leg)
      this.#media = media
      const { sdp } = await leg.connect({
        onFrame: (frame) => media.listener.hear(frame),
        onHangup: (cause) => this.end(cause),
        onRinging: (ringing) => this.#ringing(ringing),
        onDigit: (digit) => this.#events.emit({ event: 'dtmf', trackId: this.id, digit }),
        onTransferRequest: (request) =>
          this.#events.emit({ event: 'transferRequest', trackId: this.id, ...request }),
        onHold: (isHeld) => this.#holds(isHeld),
      })
      if (this.isEnded) return
      this.#answered(sdp)
    } catch (error) {
      if (this.isEnded) return
      if (error instanceof LegRejection) {
        this.#rejected(error)
        return
      }
      this.fail(this.#offer === undefined ? 'invite' : 'accept', error)
      this.#offer?.reject(FAILED)
      // That an inbound call cannot be answered is no mistake of the client's.
      const isFault = errorStatus(error) >= 500 || this.#offer !== undefined
      const why = isFault ? 'fault' : 'badFirstMessage'
      this.end({ reason: 'error', initiator: 'system', fault: String(error) }, why)
    }
  }

  /** Acts on a command; what cannot be done becomes an `error` event and changes nothing. */
  handle(command: Command): void {
    if (this.isEnded) return
    try {
      this.#dispatch(command)
    } catch (error) {
      this.fail('command', error)
    }
  }

  /** Answers a message of the client that was no command. */
  refuse(error: string): void {
    this.#events.emit({ event: 'error', trackId: this.id, sender: 'command', error, code: 400 })
  }

  /** Takes one binary message of the client. */
  receivePayload(message: Uint8Array): void {
    this.#media?.leg.receivePayload?.(message)
  }

  /** Tells the client that something failed; the call goes on. */
  fail(sender: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const code = errorStatus(error)
    if (code === 500) this.#deps.log.error({ callId: this.id, sender, error }, 'call fault')
    this.#events.emit({ event: 'error', trackId: this.id, sender, error: message, code })
  }

  /** Ends the call, however far it got: media first, then the last events, then the record. */
  end(cause: HangupCause, why: CloseReason = 'ended'): void {
    if (this.isEnded) return
    this.#state = nextState(this.#state, 'ended')
    const { reason, initiator } = cause
    this.#media?.close(cause)
    this.#offer?.reject(UNAVAILABLE)
    if (this.#answeredAt !== undefined) {
      const duration = Date.now() - this.#answeredAt
      this.#events.emit({ event: 'trackEnd', trackId: this.id, duration })
    }
    this.#events.emit({ event: 'hangup', reason, initiator }, () => {
      this.#client.close(why, reason)
      this.#onEnded(this)
    })
    this.#deps.journal.finish(this.#record(cause))
    this.#metrics.countEnd(this.type, reason)
    this.#deps.log.info({ callId: this.id, ...cause }, 'call ended')
  }

  #createLeg(): Leg {
    if (this.#offer !== undefined) return this.#offer.createLeg(this.option)
    return this.#deps.createLeg(this.type, this.option, (payload) =>
      this.#client.sendAudio(payload),
    )
  }

  #createMedia(leg: Leg): CallMedia {
    return new CallMedia(this.#deps, leg, {
      trackId: this.id,
      recordId: this.#recordId,
      option: this.option,
      events: this.#events,
      metrics: this.#metrics,
      onAutoHangup: () => this.end({ reason: 'autohangup', initiator: 'system' }),
      onError: (sender, error) => this.fail(sender, error),
    })
  }

  /** May come more than once, and with early media later than without. */
  #ringing({ hasEarlyMedia }: { readonly hasEarlyMedia: boolean }): void {
    if (this.#state === 'idle') this.#state = nextState(this.#state, 'ringing')
    this.#events.emit({ event: 'ringing', trackId: this.id, earlyMedia: hasEarlyMedia })
  }

  /** An answer may hold at once; that is told after the answer. */
  #holds(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (this.#state !== 'answered') return
    this.#events.emit({ event: 'hold', trackId: this.id, onHold: isHeld })
  }

  #rejected({ message, status, hangupCause }: LegRejection): void {
    this.#events.emit({ event: 'reject', trackId: this.id, reason: message, code: status })
    this.end(hangupCause)
  }

  #answered(sdp: string): void {
    this.#state = nextState(this.#state, 'answered')
    this.#answeredAt = Date.now()
    this.#events.emit({ event: 'answer', trackId: this.id, sdp })
    this.#events.emit({ event: 'trackStart', trackId: this.id })
    if (this.#isHeld) this.#holds(true)
    this.#media?.start()
    const pipeline = String(this.#media?.listener)
    this.#deps.log.info({ callId: this.id, type: this.type, pipeline }, 'call answered')
  }

  #dispatch(command: Command): void {
    switch (command.command) {
      case 'invite':
      case 'accept':
        throw new CallError('invalid_transition', `${command.command}: the call has begun already`)
      case 'hangup':
        this.#offer?.reject(DECLINE)
        this.end({ reason: command.reason ?? 'hangup', initiator: command.initiator ?? 'user' })
        return
      case 'reject':
        this.#openOffer('reject').reject(command.code, command.reason)
        this.end({ reason: command.reason ?? 'rejected', initiator: 'user' })
        return
      case 'ringing':
        this.#openOffer('ringing').ring()
        return
      case 'refer':
        void this.#refer(command.target)
        return
      case 'history':
        this.#addHistory(command.speaker, command.text)
        return
      case 'tts':
        this.#tts(command)
        return
      case 'play':
        this.#answeredMedia('play').play(command)
        return
      case 'interrupt':
        this.#answeredMedia('interrupt').slot.interrupt()
        return
      case 'pause':
      case 'resume':
        if (!this.#answeredMedia(command.command).slot[command.command]()) {
          throw new CallError('nothing_playing', `${command.command}: nothing is playing`)
        }
        return
      case 'dtmf':
        this.#answeredMedia('dtmf').pressKeys(command)
        return
      case 'mute':
      case 'unmute':
        this.#answeredMedia(command.command).mute(command)
        return
    }
  }

  async #refer(target: string): Promise<void> {
    try {
      const { leg } = this.#answeredMedia('refer')
      if (leg.transfer === undefined) {
        throw new CallError('not_supported', `refer: a ${this.type} call cannot be transferred`)
      }
      const status = await leg.transfer(target)
      if (status === undefined || this.isEnded) return
      if (status < 300) this.end({ reason: 'transferred', initiator: 'user' })
      else throw new CallError('refused', `refer: the far end could not call: ${status}`)
    } catch (error) {
      this.fail('refer', error)
    }
  }

  /** The inbound call that `command` decides on. */
  #openOffer(command: string): InboundOffer {
    if (this.#offer === undefined || this.#media !== undefined) {
      throw new CallError('invalid_transition', `${command}: there is no call to decide on`)
    }
    return this.#offer
  }

  #tts(command: TtsCommand): void {
    let isSaid = false
    const { slot } = this.#media ?? {}
    try {
      isSaid = this.#answeredMedia('tts').speaker.say(command)
    } catch (error) {
      this.fail('tts', error)
    }
    if (isSaid || !command.autoHangup) return
    // A text that was refused must not cut short the speech that it was meant to follow.
    if (!slot?.playing?.autoHangup) this.end({ reason: 'autohangup', initiator: 'system' })
  }

  #addHistory(speaker: string, text: string): void {
    this.#events.emit({ event: 'addHistory', sender: this.id, speaker, text })
  }

  /** The media that `command` needs. */
  #answeredMedia(command: string): CallMedia {
    if (this.#media === undefined || this.#state !== 'answered') {
      throw new CallError('invalid_transition', `${command}: the call is not answered yet`)
    }
    return this.#media
  }

  #record(cause?: HangupCause): CallRecord {
    const { caller, callee, codec } = this.option
    const isEnded = cause !== undefined
    return {
      recordId: this.#recordId,
      id: this.id,
      type: this.type,
      direction: this.#offer === undefined ? 'outbound' : 'inbound',
      state: isEnded ? 'ended' : 'active',
      hasEvents: this.#hasEvents,
      option: redactObject(this.option),
      startedAt: this.startedAt,
      ...(caller !== undefined && { caller }),
      ...(callee !== undefined && { callee }),
      ...(codec !== undefined && { codec }),
      ...(this.#answeredAt !== undefined && { answeredAt: this.#answeredAt }),
      ...(isEnded && { endedAt: Date.now(), ...cause, stats: this.#stats() }),
    }
  }

  #stats(): Record<string, number> {
    return { ...this.#media?.leg.stats, underruns: this.#media?.player.stats.underruns ?? 0 }
  }
}

/** What `Call` is given beside its identity. */
export interface CallSetup {
  readonly option: CallOption
  /** Present on inbound calls. */
  readonly offer?: InboundOffer | undefined
  readonly client: CallClient
  readonly metrics: CallMetrics
  readonly onEnded: (call: Call) => void
}
