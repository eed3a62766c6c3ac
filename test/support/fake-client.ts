import type { CallClient } from '#call/call-client.ts'
import type { CloseReason } from '#protocol/close-code.ts'
import { CallEvent } from '#protocol/event.ts'

/** An application that keeps what it is told; every event must fit the schema. */
export class FakeClient implements CallClient {
  readonly events: CallEvent[] = []
  /** Events and audio in the order they came: the event's name, or `audio`. */
  readonly log: string[] = []
  readonly audio: Uint8Array[] = []
  closed: { why: CloseReason; reason: string } | undefined

  get names(): string[] {
    return this.events.map(({ event }) => event)
  }

  send(event: CallEvent): void {
    this.events.push(CallEvent.parse(event))
    this.log.push(event.event)
  }

  sendAudio(payload: Uint8Array): void {
    this.audio.push(payload.slice())
    if (this.log.at(-1) !== 'audio') this.log.push('audio')
  }

  close(why: CloseReason, reason: string): void {
    this.closed = { why, reason }
  }

  find<Name extends CallEvent['event']>(name: Name): Extract<CallEvent, { event: Name }>[] {
    return this.events.filter((event) => event.event === name) as Extract<
      CallEvent,
      { event: Name }
    >[]
  }
}
