import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { Config } from '#config/config.ts'

/** One server of `GET /iceservers`, in the shape of the specification. */
export const IceServer = z
  .object({
    urls: z.array(z.string()),
    username: z.string().nullable(),
    credential: z.string().nullable(),
  })
  .meta({ id: 'IceServer', description: 'A STUN or TURN server for the browser.' })
export type IceServer = z.infer<typeof IceServer>

type IceConfig = Pick<
  Config,
  | 'iceServers'
  | 'stunUrls'
  | 'turnUrls'
  | 'turnUsername'
  | 'turnPassword'
  | 'turnSecret'
  | 'turnTtlSeconds'
  | 'restsendToken'
  | 'restsendUrl'
>

const DEFAULT_SERVER: IceServer = {
  urls: ['stun:restsend.com:3478'],
  username: null,
  credential: null,
}
const VENDOR_TIMEOUT_MS = 5_000
const VENDOR_CACHE_MS = 60_000
/** After a failure: long enough that a vendor who hangs does not hold up every request. */
const VENDOR_RETRY_MS = 10_000
const VendorAnswer = z.array(
  z.object({
    urls: z.union([z.string(), z.array(z.string())]).transform((urls) => [urls].flat()),
    username: z.string().nullish(),
    credential: z.string().nullish(),
  }),
)

/** Knows the ICE servers that browsers are told of; credentials are made anew for each of them. */
export class IceServers {
  readonly #config: IceConfig
  /** Undefined servers: the vendor has failed. */
  #vendor: { readonly servers: Promise<IceServer[] | undefined>; untilMs: number } | undefined

  constructor(config: IceConfig) {
    this.#config = config
  }

  /** `ICE_SERVERS`, else `STUN_URLS` and `TURN_URLS`, else the vendor's, else a public STUN server. */
  async list(): Promise<IceServer[]> {
    const { iceServers, restsendToken } = this.#config
    if (iceServers !== undefined) return iceServers.map(fill)
    const own = this.#ownServers()
    if (own.length > 0) return own
    const vendor = restsendToken === '' ? undefined : await this.#vendorServers()
    return vendor ?? [DEFAULT_SERVER]
  }

  #ownServers(): IceServer[] {
    const { stunUrls, turnUrls } = this.#config
    const servers: IceServer[] = []
    if (stunUrls.length > 0) servers.push(fill({ urls: stunUrls }))
    if (turnUrls.length > 0) servers.push(fill({ urls: turnUrls, ...this.#turnCredential() }))
    return servers
  }

  /**
   * With a shared secret a user name that says when it expires, and its HMAC as the password: the
   * TURN REST API (draft-uberti-behave-turn-rest-00 §2.2), which coturn checks.
   */
  #turnCredential(): { username?: string; credential?: string } {
    const { turnSecret, turnTtlSeconds, turnUsername, turnPassword } = this.#config
    if (turnSecret === '') {
      return {
        ...(turnUsername !== '' && { username: turnUsername }),
        ...(turnPassword !== '' && { credential: turnPassword }),
      }
    }
    const expiry = Math.floor(Date.now() / 1_000) + turnTtlSeconds
    const username = `${expiry}:${turnUsername || 'bunpbx'}`
    return {
      username,
      credential: createHmac('sha1', turnSecret).update(username).digest('base64'),
    }
  }

  /** One question to the vendor serves everybody who asks meanwhile, and for a while after. */
  async #vendorServers(): Promise<IceServer[] | undefined> {
    if (this.#vendor !== undefined && this.#vendor.untilMs > Date.now()) return this.#vendor.servers
    const vendor = { servers: this.#askVendor(), untilMs: Number.POSITIVE_INFINITY }
    this.#vendor = vendor
    const servers = await vendor.servers
    vendor.untilMs = Date.now() + (servers === undefined ? VENDOR_RETRY_MS : VENDOR_CACHE_MS)
    return servers
  }

  /** Undefined when the vendor does not answer as it should. */
  async #askVendor(): Promise<IceServer[] | undefined> {
    const { restsendToken, restsendUrl } = this.#config
    const url = new URL(restsendUrl)
    // The vendor takes the three names; the original server sends `user` empty, too.
    url.searchParams.set('token', restsendToken)
    url.searchParams.set('user', '')
    url.searchParams.set('client', '')
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(VENDOR_TIMEOUT_MS) })
      if (!response.ok) return undefined
      return VendorAnswer.parse(await response.json()).map(fill)
    } catch {
      return undefined
    }
  }
}

function fill(server: {
  readonly urls: string[]
  readonly username?: string | null | undefined
  readonly credential?: string | null | undefined
}): IceServer {
  const { urls, username = null, credential = null } = server
  return { urls, username, credential }
}
