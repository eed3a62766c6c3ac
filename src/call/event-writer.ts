import type { CallEvent } from '#protocol/event.ts'
import { redactObject } from '#protocol/redact.ts'
import type { CallClient } from './call-client.ts'
import type { Journal } from './journal.ts'

/** An event before it gets its time. */
export type EventBody = CallEvent extends infer Event
  ? Event extends CallEvent
    ? Omit<Event, 'timestamp'>
    : never
  : never

/**
 * The one way of events to the client: gives each its time, keeps it in the journal, then sends
 * it. Commands received go through here too, so that both have one sequence.
 */
export class EventWriter {
  readonly #recordId: string
  readonly #client: CallClient
  readonly #journal: Journal | undefined
  #sequence = 0
  #isClosed = false

  /** Without a journal (`dump=false`) events are sent at once and not kept. */
  constructor(recordId: string, client: CallClient, journal: Journal | undefined) {
    this.#recordId = recordId
    this.#client = client
    this.#journal = journal
  }

  /**
   * Sends `body`, once it is stored; `onSent` is called right after. Nothing goes out after the
   * `hangup`.
   */
  emit(body: EventBody, onSent?: () => void): void {
    if (this.#isClosed) return
    this.#isClosed = body.event === 'hangup'
    const at = Date.now()
    const event = { ...body, timestamp: at } as CallEvent
    const send = () => {
      this.#client.send(event)
      onSent?.()
    }
    if (this.#journal === undefined) send()
    else this.#append('sent', event.event, at, event, send)
  }

  /** Keeps a message of the client: a command, or what was meant as one. */
  received(name: string, message: Record<string, unknown>): void {
    this.#append('received', name, Date.now(), message)
  }

  #append(
    direction: 'received' | 'sent',
    name: string,
    at: number,
    data: Record<string, unknown>,
    onStored?: () => void,
  ): void {
    if (this.#journal === undefined) return
    const recordId = this.#recordId
    const sequence = this.#sequence
    this.#sequence += 1
    // Events repeat what commands said, e.g. a url as the play id: both may carry secrets.
    const row = { recordId, sequence, at, direction, name, data: redactObject(data) }
    this.#journal.append(row, onStored)
  }
}
