import { cpus } from 'node:os'
import { AudioNegotiation } from '#transport/sip/sdp/audio-negotiation.ts'
import type { SipEndpointOptions } from '#transport/sip/sip-endpoint.ts'
import { SipEndpoint } from '#transport/sip/sip-endpoint.ts'

/*
 * Calls that sipp sets up and tears down, signalling only: `bun bench/sip.ts [calls/s …]`.
 * Each call is INVITE, 100, 180, 200, ACK, 0.5 s of nothing, BYE, 200.
 */
const SECONDS = 10

const options: SipEndpointOptions = {
  udp: { host: '127.0.0.1', port: 0 },
  limit: { perSecond: 1e6, burst: 1e6 },
  onInvite(call) {
    call.attach({ onEnded: () => undefined })
    call.ring()
    call.accept(
      new AudioNegotiation({ address: '127.0.0.1', port: 40_000, onNegotiated: () => undefined }),
    )
  },
}

async function measure(rate: number): Promise<Record<string, number | string>> {
  const endpoint = await SipEndpoint.start(options)
  const before = process.cpuUsage()
  const startedAt = performance.now()
  const calls = rate * SECONDS
  const args = ['-sn', 'uac', '-i', '127.0.0.1', '-d', '500', '-m', `${calls}`, '-r', `${rate}`]
  const limit = ['-l', '100000', '-trace_stat', '-stf', '/tmp/sipp-bench.csv', '-nostdin']
  const sipp = Bun.spawn(['sipp', `127.0.0.1:${endpoint.port('UDP')}`, ...args, ...limit], {
    cwd: '/tmp',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { ...process.env, TERM: 'dumb' },
  })
  const code = await sipp.exited
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - startedAt) / 1_000
  const [names = '', ...rows] = (await Bun.file('/tmp/sipp-bench.csv').text()).trim().split('\n')
  const last = rows.at(-1)?.split(';') ?? []
  const column = (name: string): number => Number(last[names.split(';').indexOf(name)])
  const result = {
    'calls/s': rate,
    'sipp exit': code,
    successful: column('SuccessfulCall(C)'),
    failed: column('FailedCall(C)'),
    retransmissions: column('Retransmissions(C)'),
    'CPU ms/call': ((user + system) / 1_000 / calls).toFixed(2),
    'core %': ((user + system) / 10_000 / seconds).toFixed(0),
    'RSS MB': (process.memoryUsage().rss / 1_048_576).toFixed(0),
  }
  await endpoint.close()
  return result
}

const rates = process.argv.slice(2).map(Number)
console.log(`${cpus()[0]?.model}, Bun ${Bun.version}, ${SECONDS} s each`)
const results: unknown[] = []
for (const rate of rates.length > 0 ? rates : [50, 100, 200]) results.push(await measure(rate))
console.table(results)
