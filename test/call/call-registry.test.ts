import { describe, expect, test } from 'bun:test'
import { CallRegistry } from '#call/call-registry.ts'
import { FakeCall } from '../support/fake-call.ts'
import { FakeClient } from '../support/fake-client.ts'
import { settle } from '../support/time.ts'

const setUp = (maxCalls = 10) => {
  const fake = new FakeCall()
  const registry = new CallRegistry(fake.deps, maxCalls)
  const begin = async (id: string) => {
    const client = new FakeClient()
    registry.reserve(id, () => undefined)
    const call = registry.create({ id, type: 'websocket', hasEvents: true }, { caller: id }, client)
    await call.start()
    await settle()
    return client
  }
  return { registry, begin }
}

describe('CallRegistry', () => {
  test('refuses an id that is live, from the reservation to the last event', async () => {
    const { registry, begin } = setUp()
    registry.reserve('a', () => undefined)
    expect(() => registry.reserve('a', () => undefined)).toThrow('live already')
    registry.release('a')
    await begin('a')
    expect(() => registry.reserve('a', () => undefined)).toThrow('live already')
    registry.kill('a')
    await settle()
    expect(() => registry.reserve('a', () => undefined)).not.toThrow()
  })

  test('has room for so many calls and no more', () => {
    const { registry } = setUp(2)
    registry.reserve('a', () => undefined)
    registry.reserve('b', () => undefined)
    expect(() => registry.reserve('c', () => undefined)).toThrow('MAX_CALLS')
    registry.release('a')
    expect(() => registry.reserve('c', () => undefined)).not.toThrow()
  })

  test('lists calls that have begun, in the shape of the specification', async () => {
    const { registry, begin } = setUp()
    registry.reserve('waiting', () => undefined)
    await begin('a')
    const [call, ...others] = registry.list()
    expect(others).toEqual([])
    expect(call).toMatchObject({ id: 'a', call_type: 'websocket', option: { caller: 'a' } })
    expect(call?.created_at).toEndWith('Z')
  })

  test('kills once', async () => {
    const { registry, begin } = setUp()
    const client = await begin('a')
    expect(registry.kill('nobody')).toBe(false)
    expect(registry.kill('a')).toBe(true)
    expect(registry.kill('a')).toBe(false)
    await settle()
    expect(client.events.at(-1)).toMatchObject({
      event: 'hangup',
      reason: 'killed',
      initiator: 'system',
    })
    expect(registry.list()).toEqual([])
  })

  test('drains: no new call, waiting sockets go, live calls may finish or are ended', async () => {
    const { registry, begin } = setUp()
    const client = await begin('a')
    let stopped = 0
    registry.reserve('waiting', () => {
      stopped += 1
      registry.release('waiting')
    })
    let isEmpty = false
    const drained = registry.drain().then(() => {
      isEmpty = true
    })
    expect(stopped).toBe(1)
    expect(() => registry.reserve('b', () => undefined)).toThrow('stopping')
    await settle()
    expect(isEmpty).toBe(false)
    registry.endAll()
    await drained
    expect(client.events.at(-1)).toMatchObject({ event: 'hangup', reason: 'server_shutdown' })
    expect(client.closed).toEqual({ why: 'stopping', reason: 'server_shutdown' })
  })

  test('without calls drains at once', async () => {
    await setUp().registry.drain()
  })
})
