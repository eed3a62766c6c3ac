import { afterAll, describe, expect, test } from 'bun:test'
import { createOpenMedia, type OpenMediaOptions } from '#media/source/open-media.ts'
import { rejection } from '../../support/rejection.ts'
import { MemoryCache } from './memory-cache.ts'
import { head, RawServer } from './raw-server.ts'

const OPTIONS: OpenMediaOptions = {
  mediaDir: '/nonexistent',
  cache: new MemoryCache(),
  allowPrivate: true,
  timeoutMs: 5000,
  maxBytes: 1_000_000,
  maxRedirects: 5,
}
const never = new AbortController().signal
const toLoopback = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])

/** The whole body of `url`, as text. */
async function read(
  url: string,
  options: Partial<OpenMediaOptions> = {},
  signal = never,
): Promise<string> {
  const open = createOpenMedia({ ...OPTIONS, cache: new MemoryCache(), ...options })
  let text = ''
  for await (const chunk of await open(url, signal)) text += Buffer.from(chunk).toString('latin1')
  return text
}

const web = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request) {
    const { pathname, searchParams } = new URL(request.url)
    const to = searchParams.get('to')
    if (to !== null) return Response.redirect(to, Number(searchParams.get('status') ?? 302))
    if (pathname === '/headers') return Response.json(request.headers)
    const status = Number(pathname.slice(1))
    return status > 0 ? new Response('no', { status }) : new Response('audio')
  },
})
afterAll(() => web.stop(true))
const url = (path: string) => `http://127.0.0.1:${web.port}${path}`

describe('opening what play names', () => {
  test.each([
    'file:///etc/passwd',
    'data:audio/wav;base64,UklGRg==',
    'ftp://example.com/a.wav',
    'C:\\media\\a.wav',
    'http://',
    'https://[::1',
  ])('%s is no URL to play', async (name) => {
    expect(await rejection(read(name))).toMatchObject({ code: 'bad_url' })
  })

  test('a name without a scheme is a file', async () => {
    expect(await rejection(read('a.wav'))).toMatchObject({ code: 'not_found' })
    expect(await rejection(read('/etc/passwd'))).toMatchObject({ code: 'forbidden' })
  })
})

describe('fetching a URL', () => {
  test('gives the body, asked for as it is', async () => {
    expect(await read(url('/a.wav'))).toBe('audio')
    const headers = JSON.parse(await read(url('/headers')))
    expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'BunPBX' })
  })

  test.each([
    [404, 'not_found'],
    [410, 'not_found'],
    [401, 'forbidden'],
    [403, 'forbidden'],
    [500, 'server'],
    [204, 'server'],
    [206, 'server'],
  ])('an answer of %d is %s', async (status, code) => {
    expect(await rejection(read(url(`/${status}`)))).toMatchObject({ code })
  })

  test('sends credentials of the URL, and never repeats them', async () => {
    const secret = url('/headers').replace('http://', 'http://bob:s%40cret@')
    const { authorization } = JSON.parse(await read(secret))
    expect(authorization).toBe(`Basic ${btoa('bob:s@cret')}`)
    const refused = await read(secret.replace('headers', '404')).catch(String)
    expect(refused).toContain('404')
    expect(refused).not.toContain('cret')
  })

  test('refuses a compressed body, which was not asked for', async () => {
    using server = new RawServer((connection) => {
      connection.end(`${head('200 OK', 'content-encoding: gzip', 'content-length: 3')}abc`)
    })
    expect(await rejection(read(server.url))).toMatchObject({ code: 'unsupported' })
  })

  test('reads a body with and without a length, and a chunked one', async () => {
    const chunked = `${head('200 OK', 'transfer-encoding: chunked')}3\r\naud\r\n2\r\nio\r\n0\r\n\r\n`
    for (const answer of [
      `${head('200 OK', 'content-length: 5')}audio`,
      `${head('200 OK')}audio`,
      chunked,
    ]) {
      using server = new RawServer((connection) => void connection.end(answer))
      expect(await read(server.url)).toBe('audio')
    }
  })

  test.each([
    ['shorter than announced', `${head('200 OK', 'content-length: 99')}audio`],
    ['cut off in chunks', `${head('200 OK', 'transfer-encoding: chunked')}5\r\naudio\r\n`],
    ['no HTTP', 'ICY 200 OK\r\n\r\naudio'],
    ['nothing', ''],
  ])('a broken answer is an error: %s', async (_, answer) => {
    using server = new RawServer((connection) => {
      connection.write(answer)
      connection.flush()
      connection.end()
    })
    expect(await rejection(read(server.url))).toMatchObject({ code: 'network' })
  })

  test('refuses what is announced or turns out to be too large', async () => {
    using announced = new RawServer((connection) => {
      connection.write(head('200 OK', 'content-length: 1000001'))
    })
    expect(await rejection(read(announced.url))).toMatchObject({ code: 'too_large' })
    await announced.until(() => announced.connections === 0)
    using endless = new RawServer((connection) => {
      connection.write(head('200 OK'))
      endless.pour(connection, new Uint8Array(10_000))
    })
    expect(await rejection(read(endless.url))).toMatchObject({ code: 'too_large' })
    await endless.until(() => endless.connections === 0)
  })

  test('a server that nobody runs is an error', async () => {
    const port = web.port === 1 ? 2 : 1
    expect(await rejection(read(`http://127.0.0.1:${port}/`))).toMatchObject({ code: 'network' })
  })
})

describe('time', () => {
  test('gives up a server that does not answer', async () => {
    using server = new RawServer(() => undefined)
    const refused = read(server.url, { timeoutMs: 50 })
    expect(await rejection(refused)).toMatchObject({ code: 'timeout' })
    await server.until(() => server.connections === 0)
  })

  test('gives up a server that stops in the middle', async () => {
    using server = new RawServer((connection) => {
      connection.write(`${head('200 OK', 'content-length: 99')}audio`)
    })
    const refused = read(server.url, { timeoutMs: 50 })
    expect(await rejection(refused)).toMatchObject({ code: 'timeout' })
    await server.until(() => server.connections === 0)
  })

  test('gives up a name server that does not answer', async () => {
    const resolve = () => new Promise<never>(() => undefined)
    const refused = read('http://slow.example/', { timeoutMs: 50, resolve })
    expect(await rejection(refused)).toMatchObject({ code: 'timeout' })
  })

  test('is patient with a server that drips', async () => {
    using server = new RawServer((connection) => {
      connection.write(head('200 OK', 'content-length: 12'))
      const letters = [...'patient-here']
      const drip = setInterval(() => {
        connection.write(letters.shift() ?? '')
        if (letters.length === 0) clearInterval(drip)
      }, 100)
    })
    expect(await read(server.url, { timeoutMs: 1000 })).toBe('patient-here')
  })

  test.each(['before the head', 'in the body'])(
    'an abort %s closes the connection',
    async (when) => {
      const closing = new AbortController()
      using server = new RawServer((connection) => {
        if (when === 'in the body') connection.write(head('200 OK', 'content-length: 9'))
      })
      const reading = read(server.url, {}, closing.signal).catch(String)
      await server.until(() => server.requests.length === 1)
      if (when === 'in the body') await Bun.sleep(20)
      closing.abort()
      await server.until(() => server.connections === 0)
      expect(await reading).not.toBe('audio')
    },
  )

  test('an abort while the name is looked up is heard at once', async () => {
    const closing = new AbortController()
    const resolve = () => new Promise<never>(() => undefined)
    const reading = read('http://slow.example/', { resolve }, closing.signal)
    closing.abort()
    expect(await rejection(reading)).toMatchObject({ name: 'AbortError' })
  })
})

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])('%d is followed', async (status) => {
    expect(await read(url(`/?status=${status}&to=/a.wav`))).toBe('audio')
  })

  test('ends a loop after five', async () => {
    using server = new RawServer((connection) => {
      connection.end(head('302 Found', 'location: /again', 'content-length: 0'))
    })
    expect((await rejection(read(server.url))).message).toContain('more than 5 redirects')
    expect(server.requests).toHaveLength(6)
  })

  test.each(['file:///etc/passwd', 'javascript:alert(1)', 'http://', ''])(
    'does not lead to %p',
    async (to) => {
      using server = new RawServer((connection) => {
        connection.end(head('302 Found', `location: ${to}`, 'content-length: 0'))
      })
      expect(await rejection(read(server.url))).toMatchObject({ code: 'network' })
    },
  )

  test('does not carry credentials to another place', async () => {
    const secret = url(`/?to=${encodeURIComponent(url('/headers'))}`)
    const headers = JSON.parse(await read(secret.replace('http://', 'http://bob:secret@')))
    expect(headers.authorization).toBeUndefined()
  })
})

describe('the address guard', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://[fd00::1]/',
    'http://0.0.0.0/',
    'http://localhost/',
  ])('keeps away from %s', async (address) => {
    const refused = read(address, { allowPrivate: false })
    expect(await rejection(refused)).toMatchObject({ code: 'forbidden' })
  })

  test('keeps away from a name that leads inside', async () => {
    const options = { allowPrivate: false, resolve: toLoopback }
    const refused = read(`http://rebind.example:${web.port}/`, options)
    expect(await rejection(refused)).toMatchObject({ code: 'forbidden' })
  })

  test('connects to the address that was checked, whatever the name means now', async () => {
    // Nobody else knows this name: the connection can only go where the check looked.
    const found = JSON.parse(
      await read(`http://media.example:${web.port}/headers`, { resolve: toLoopback }),
    )
    expect(found.host).toBe(`media.example:${web.port}`)
  })

  test('looks at every hop of a redirect', async () => {
    const asked: string[] = []
    const resolve = (hostname: string) => {
      asked.push(hostname)
      const isAllowed = hostname === 'public.example' && asked.length === 1
      return isAllowed ? toLoopback() : Promise.reject(new Error('ENOTFOUND'))
    }
    using server = new RawServer((connection) => {
      connection.end(head('302 Found', 'location: http://inside.example/', 'content-length: 0'))
    })
    const refused = read(`http://public.example:${server.port}/`, { resolve })
    expect(await rejection(refused)).toMatchObject({ code: 'network' })
    expect(asked).toEqual(['public.example', 'inside.example'])
  })
})

describe('https', () => {
  const withOpenssl = test.skipIf(!Bun.which('openssl'))
  withOpenssl('checks the certificate against the name (needs openssl)', async () => {
    const { cert, key } = await selfSigned('media.example')
    const secure = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: { cert, key },
      fetch: ({ url }) =>
        url.endsWith('/down')
          ? Response.redirect(`http://127.0.0.1:${web.port}/`)
          : new Response('audio'),
    })
    try {
      const options = { resolve: toLoopback, trusted: cert }
      const at = (name: string) => `https://${name}:${secure.port}`
      expect(await read(`${at('media.example')}/`, options)).toBe('audio')
      const refused = read(`${at('other.example')}/`, options)
      expect(await rejection(refused)).toMatchObject({ code: 'network' })
      const untrusted = read(`${at('media.example')}/`, { resolve: toLoopback })
      expect(await rejection(untrusted)).toMatchObject({ code: 'network' })
      const down = read(`${at('media.example')}/down`, options)
      expect((await rejection(down)).message).toContain('from https to http')
    } finally {
      await secure.stop(true)
    }
  })
})

/** A certificate that is its own authority. */
async function selfSigned(name: string): Promise<{ cert: string; key: string }> {
  const command = [
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-nodes', '-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`],
    ...['-keyout', '-', '-out', '-'],
  ]
  const text = await Bun.$`${command}`.quiet().text()
  const at = text.indexOf('-----BEGIN CERTIFICATE')
  return { key: text.slice(0, at), cert: text.slice(at) }
}
