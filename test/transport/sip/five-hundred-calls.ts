import { createTestMedia, placeCall, startEndpoint, until, uriOf } from './sip-fixture.ts'

/*
 * Places 500 calls from one endpoint to another, closes both, and prints what is left. The process
 * ends by itself only when no socket and no timer is left, which is what the test waits for.
 */
let ended = 0
let answered = 0
const onEnded = (): void => {
  ended += 1
}
const callee = await startEndpoint({
  onInvite: (call) => {
    call.attach({ onEnded })
    call.accept(createTestMedia().media)
  },
})
const caller = await startEndpoint()
for (let i = 0; i < 500; i += 1) {
  const { call } = placeCall(
    caller,
    uriOf(callee),
    { credentials: { username: 'a', password: 'b' } },
    {
      onAnswered: () => {
        answered += 1
        setTimeout(() => call.hangup(), 20)
      },
      onEnded,
    },
  )
  if (i % 10 === 0) await Bun.sleep(10)
}
await until(() => ended === 1_000, 15_000)
await until(() => caller.stats['calls'] === 0 && callee.stats['calls'] === 0, 5_000)
const pick = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    names.map((name) => [name, (caller.stats[name] ?? 0) + (callee.stats[name] ?? 0)]),
  )
const before = pick(['calls', 'dialogs', 'paths', 'credentials', 'waiting', 'faults'])
await Promise.all([caller.close(), callee.close()])
console.log(JSON.stringify({ answered, ended, before, after: pick(['transactions', 'dialogs']) }))
