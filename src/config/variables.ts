import { z } from 'zod'

const text = z.string().trim()
const number = z.coerce.number({
  error: ({ input }) => (Number.isNaN(input) ? 'must be a number' : undefined),
})
const port = number.int().min(0).max(65_535)
const optionalPort = text.transform((value, context): number | undefined => {
  if (value === '') return undefined
  const result = port.safeParse(Number(value))
  if (result.success) return result.data
  context.addIssue({ code: 'custom', message: 'must be a port number' })
  return z.NEVER
})
const pattern = text.transform((value, context): RegExp | undefined => {
  if (value === '') return undefined
  try {
    return new RegExp(value, 'i')
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a regular expression' })
    return z.NEVER
  }
})
const seconds = number.min(0).max(86_400)
const flag = z
  .enum(['true', 'false', '1', '0'])
  .transform((value) => value === 'true' || value === '1')
const list = text.transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)
const BYTES = /^(\d+)([KMG]?)$/i
const UNITS: Record<string, number> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }
const bytes = text
  .regex(BYTES, 'must be a number of bytes, or one with K, M or G')
  .transform((value) => {
    const [, count, unit] = BYTES.exec(value) ?? []
    return Number(count) * (UNITS[(unit ?? '').toUpperCase()] ?? 1)
  })

const origins = list.refine(
  (items) => items.every((item) => item === '*' || URL.parse(item)?.origin === item),
  'must be origins like https://app.example.org, comma-separated, or *',
)

/** RFC 7064 and RFC 7065: a browser throws away the whole list over one URL that is neither. */
const STUN_URL = /^stuns?:[^\s/?]+$/
const TURN_URL = /^turns?:[^\s/?]+(\?transport=(udp|tcp))?$/
const stunUrls = list.refine(
  (urls) => urls.every((url) => STUN_URL.test(url)),
  'must be like stun:host:3478, comma-separated',
)
const turnUrls = list.refine(
  (urls) => urls.every((url) => TURN_URL.test(url)),
  'must be like turn:host:3478 or turns:host:5349?transport=tcp, comma-separated',
)

const IceServer = z
  .object({
    urls: z.union([z.string(), z.array(z.string()).min(1)]).transform((urls) => [urls].flat()),
    username: z.string().nullish(),
    credential: z.string().nullish(),
  })
  .refine(({ urls, username, credential }) => {
    const hasCredential = Boolean(username) && Boolean(credential)
    return urls.every((url) => STUN_URL.test(url) || (TURN_URL.test(url) && hasCredential))
  })
export type IceServer = z.infer<typeof IceServer>

const ICE_SERVERS_SHAPE =
  'must be JSON: [{"urls":["stun:host:3478"]}], with username and credential for turn:'
const iceServers = text.transform((value, context): IceServer[] | undefined => {
  if (value === '') return undefined
  try {
    return z.array(IceServer).parse(JSON.parse(value))
  } catch {
    context.addIssue({ code: 'custom', message: ICE_SERVERS_SHAPE })
    return z.NEVER
  }
})

const SIP_URI = /^sips?:\S+$/i
const SipAccount = z
  .object({
    address: z.string().regex(/^sips?:[^@\s]+@\S+$/i),
    password: z.string(),
    username: z.string().optional(),
    registrar: z.string().regex(SIP_URI).optional(),
    proxy: z.string().regex(SIP_URI).optional(),
  })
  .strict()
export type SipAccount = z.infer<typeof SipAccount>

const SIP_ACCOUNTS_SHAPE =
  'must be JSON: [{"address":"sip:alice@pbx.example.org","password":"…"}], each with username, registrar and proxy where they differ'
const sipAccounts = text.transform((value, context): SipAccount[] => {
  if (value === '') return []
  try {
    return z.array(SipAccount).parse(JSON.parse(value))
  } catch {
    context.addIssue({ code: 'custom', message: SIP_ACCOUNTS_SHAPE })
    return z.NEVER
  }
})

/**
 * Every variable the server reads: its meaning, its default as it would be written in the
 * environment, and how it is read. The table in docs/operations.md is made from this.
 */
export const Variables = z.object({
  HOST: text
    .min(1)
    .default('localhost')
    .describe(
      'Address to listen on. `localhost` is the loopback, IPv4 and IPv6; `0.0.0.0` and `::` are all.',
    ),
  PORT: port.default(8080).describe('TCP port; 0 takes any free one.'),
  DATA_DIR: text.min(1).default('./data').describe('Database, recordings and caches.'),
  MEDIA_DIR: text.min(1).default('./media').describe('Files that `play` may name without a URL.'),
  API_KEYS: list
    .prefault('')
    .describe('Keys that clients must send, comma-separated; empty lets everybody in.')
    .meta({ secret: true }),
  ALLOW_ANONYMOUS: flag
    .prefault('false')
    .describe('Listen on more than the loopback although `API_KEYS` is empty.'),
  ALLOWED_ORIGINS: origins
    .prefault('')
    .describe(
      'Web origins that may use the API, comma-separated, or `*`; loopback and our own always may.',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severity that is logged.'),
  MAX_CALLS: number
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Calls at one time; more get 503.'),
  INVITE_TIMEOUT_SECONDS: seconds
    .default(30)
    .describe('How long a socket may take to its first message.'),
  DRAIN_SECONDS: seconds.default(30).describe('How long live calls may go on after SIGTERM.'),
  SIP_PORT: optionalPort
    .prefault('')
    .describe('UDP and TCP port for SIP, usually 5060; empty is no SIP, 0 any free port.'),
  SIP_HOST: text
    .default('')
    .describe('Address to listen on for SIP and RTP; empty is that of `HOST`, `0.0.0.0` are all.'),
  SIP_TLS_PORT: optionalPort
    .prefault('')
    .describe('TCP port for SIP over TLS, usually 5061; empty is none.'),
  SIP_TLS_CERT: text.default('').describe('File with the certificate chain for it, PEM.'),
  SIP_TLS_KEY: text.default('').describe('File with its private key, PEM.'),
  SIP_TLS_VERIFY: flag
    .prefault('true')
    .describe('Whether servers that we call over TLS must show a certificate that is known.'),
  SIP_SRTP: z
    .enum(['never', 'offered', 'required'])
    .default('offered')
    .describe('Whether the audio of calls over TLS is encrypted.'),
  SIP_ACCEPT_TIMEOUT_SECONDS: seconds
    .max(180)
    .default(50)
    .describe(
      'How long an inbound call waits for `accept` or `reject`, at most 180; then it gets 408.',
    ),
  SIP_ACCOUNTS: sipAccounts
    .prefault('')
    .describe(
      'Accounts to register, as JSON: `[{"address":"sip:alice@pbx.example.org","password":"…"}]`, with `username`, `registrar` and `proxy` where they differ from the address. Calls to their host use them.',
    )
    .meta({ secret: true }),
  SIP_WEBHOOK_URL: z
    .union([z.literal(''), z.url({ protocol: /^https?$/ })])
    .default('')
    .describe(
      'Told of every inbound call by POST; the application then opens `/call/sip?id=<dialogId>`. Empty: a socket that waits gets it.',
    ),
  SIP_WEBHOOK_SECRET: text
    .regex(/^(?!whsec_)|^whsec_[\w+/-]{2,}={0,2}$/, 'must be base64 after whsec_')
    .default('')
    .describe(
      'Signs those requests as in the Standard Webhooks specification: `whsec_` and base64, or any text.',
    )
    .meta({ secret: true }),
  SIP_WEBHOOK_TIMEOUT_SECONDS: number
    .min(0.1)
    .max(60)
    .default(5)
    .describe('How long it may take to answer; then the caller gets 503.'),
  PUBLIC_IP: z
    .union([z.literal(''), z.ipv4(), z.ipv6()], { error: 'must be an IP address' })
    .default('')
    .describe('Address that telephones reach us by, behind NAT; empty is the one listened on.'),
  SIP_ALLOW_FROM: list
    .prefault('')
    .describe('IP addresses that SIP is taken from, comma-separated; empty is all of them.'),
  SIP_MAX_RATE: number
    .min(1)
    .max(100_000)
    .default(30)
    .describe(
      'New SIP requests a second from one address, three times as many at once; more are dropped.',
    ),
  SIP_DIAL_ALLOW: pattern
    .prefault('')
    .describe(
      'Regular expression that the URI of a callee must match, against toll fraud; empty lets all through.',
    ),
  RTP_PORT: optionalPort
    .prefault('')
    .describe(
      'One UDP port for the audio of all SIP calls, where few ports can be published; empty: a pair of ports per call, from the range below.',
    ),
  RTP_PORT_MIN: port.default(20_000).describe('First UDP port for the audio of SIP calls.'),
  RTP_PORT_MAX: port.default(29_999).describe('Last one; a call takes two.'),
  TTS_PROVIDER: text.min(1).default('flite').describe('Synthesizer of calls that name none.'),
  ASR_PROVIDER: text
    .default('')
    .describe('Recognizer of calls that ask for one and name none; empty is none.'),
  PLAY_ALLOW_PRIVATE: flag
    .prefault('false')
    .describe('Let `play` fetch from private, loopback and link-local addresses.'),
  RECORDING_RETENTION_DAYS: number
    .min(0)
    .max(36_500)
    .default(0)
    .describe('Recordings of calls that ended longer ago are deleted; 0 keeps them for ever.'),
  CACHE_MAX_BYTES: bytes
    .prefault('512M')
    .describe('Size of the cache of speech and fetched files, with K, M or G; 0 turns it off.'),
  ICE_SERVERS: iceServers
    .prefault('')
    .describe(
      'What `/iceservers` answers, as JSON; wins over the variables below. Nothing set: a public STUN server, `stun:restsend.com:3478`.',
    )
    .meta({ secret: true }),
  STUN_URLS: stunUrls.prefault('').describe('STUN servers, comma-separated.'),
  TURN_URLS: turnUrls.prefault('').describe('TURN servers, comma-separated.'),
  TURN_USERNAME: text.default('').describe('User name of the TURN servers.'),
  TURN_PASSWORD: text.default('').describe('Password of the TURN servers.').meta({ secret: true }),
  TURN_SECRET: text
    .default('')
    .describe(
      'Shared secret of the TURN servers; `/iceservers` then gives credentials that expire.',
    )
    .meta({ secret: true }),
  TURN_TTL_SECONDS: number
    .int()
    .min(60)
    .max(604_800)
    .default(86_400)
    .describe('How long those credentials last.'),
  RESTSEND_TOKEN: text
    .default('')
    .describe('Token of restsend.com, whose ICE servers are then handed on.')
    .meta({ secret: true }),
  RESTSEND_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://restsend.com/api/iceservers')
    .describe('Where that token is good.'),
})
