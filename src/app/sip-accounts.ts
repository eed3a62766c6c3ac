import type { SipAccount } from '#config/variables.ts'
import type { Logger } from '#core/log.ts'
import type { SipCredentials } from '#transport/sip/message/digest.ts'
import type { Registration, RegistrationState } from '#transport/sip/registration.ts'
import type { SipEndpoint } from '#transport/sip/sip-endpoint.ts'

interface Account {
  readonly address: string
  readonly host: string
  readonly credentials: SipCredentials
  readonly proxy: string | undefined
  readonly registrar: string
  readonly registration: Registration
}

/** The accounts of the gateway with providers and PBXs: registered, and known when one is called. */
export class SipAccounts {
  readonly #accounts: readonly Account[]

  /** Registers all of them. What becomes of it is logged, and shown by `states`. */
  constructor(endpoint: SipEndpoint, accounts: readonly SipAccount[], log: Logger) {
    this.#accounts = accounts.map(({ address, password, username, proxy, ...account }) => {
      const [, user = '', host = ''] = /^sips?:([^@]+)@([^;?]+)/i.exec(address) ?? []
      const registrar = account.registrar ?? `sip:${host}`
      const credentials = { username: username ?? user, password }
      const registration = endpoint.register({
        address,
        registrar,
        credentials,
        ...(proxy !== undefined && { proxy }),
        onChange: (state) => logState(log, address, state),
      })
      return { address, host: host.toLowerCase(), credentials, proxy, registrar, registration }
    })
  }

  /** Status by address. */
  get states(): ReadonlyMap<string, RegistrationState['status']> {
    return new Map(
      this.#accounts.map(({ address, registration }) => [address, registration.state.status]),
    )
  }

  /**
   * The account with the host of `uri`, which is who a call there comes from. A number alone
   * (`tel:`) is called by the first one.
   */
  find(uri: string): Pick<Account, 'address' | 'credentials' | 'proxy'> | undefined {
    if (/^tel:/i.test(uri)) {
      const [first] = this.#accounts
      return first && { ...first, proxy: first.proxy ?? first.registrar }
    }
    const host = /@([^;?>]+)/.exec(uri)?.[1]?.toLowerCase()
    return this.#accounts.find((account) => account.host === host)
  }
}

function logState(log: Logger, address: string, state: RegistrationState): void {
  const isBad = state.status === 'failed'
  log[isBad ? 'warn' : 'info']({ address, ...state }, 'sip registration')
}
