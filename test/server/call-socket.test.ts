import { describe, expect, jest, test } from 'bun:test'
import type { ServerWebSocket } from 'bun'
import { CallRegistry } from '#call/call-registry.ts'
import { CallSocket } from '#server/call-socket.ts'
import { FakeCall } from '../support/fake-call.ts'
import { settle } from '../support/time.ts'

/** A socket whose client has stopped reading, from the moment it `isStuck`. */
class StuckSocket {
  isStuck = false
  readonly sent: string[] = []
  closeCode: number | undefined

  sendText(text: string): number {
    this.sent.push((JSON.parse(text) as { event: string }).event)
    return this.isStuck ? -1 : text.length
  }

  sendBinary(payload: Uint8Array): number {
    return payload.length
  }

  getBufferedAmount(): number {
    return this.isStuck ? 1024 * 1024 : 0
  }

  close(code: number): void {
    this.closeCode = code
  }

  terminate(): void {
    this.closeCode = 1006
  }
}

describe('CallSocket', () => {
  test('a client found too slow in the middle of a replacement leaves nothing behind', async () => {
    const { deps, synthesizer, pacer } = new FakeCall()
    const registry = new CallRegistry(deps, 1)
    const socket = new CallSocket(registry, {
      id: 'slow',
      type: 'websocket',
      dump: false,
      ping: 0,
      audio: 'frames',
      inviteTimeoutMs: 1_000,
    })
    const ws = new StuckSocket()
    socket.opened(ws as unknown as ServerWebSocket<CallSocket>)
    socket.received('{"command":"invite"}')
    await settle()
    socket.received('{"command":"tts","text":"one","playId":"1"}')
    ws.isStuck = true
    socket.received('{"command":"tts","text":"two","playId":"2","streaming":true}')
    await settle()
    socket.closed('')
    expect(ws.sent.slice(-2)).toEqual(['trackEnd', 'hangup'])
    expect(ws.closeCode).toBe(4413)
    expect(synthesizer.openCount).toBe(0)
    expect(pacer.memberCount).toBe(0)
    expect(registry.activeCalls).toEqual([])
  })

  test('waits for nothing more when its close is told of at once, as Bun does', () => {
    jest.useFakeTimers()
    try {
      const socket = new CallSocket(new CallRegistry(new FakeCall().deps, 1), {
        id: 'prompt',
        type: 'websocket',
        dump: false,
        ping: 20,
        audio: 'frames',
        inviteTimeoutMs: 1_000,
      })
      const before = jest.getTimerCount()
      const ws = new StuckSocket()
      ws.close = () => socket.closed('')
      socket.opened(ws as unknown as ServerWebSocket<CallSocket>)
      expect(jest.getTimerCount()).toBe(before + 2)
      socket.close('noFirstMessage', 'no_invite')
      expect(jest.getTimerCount()).toBe(before)
    } finally {
      jest.useRealTimers()
    }
  })
})
