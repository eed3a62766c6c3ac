import type { z } from 'zod'
import { ConfigError } from './config-error.ts'
import { Variables } from './variables.ts'

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>

type Values = z.infer<typeof Variables>

/** The environment, checked: `DATA_DIR` is `dataDir`. Never changes while the process lives. */
export type Config = Readonly<{ [Name in keyof Values as CamelCase<Name>]: Values[Name] }> & {
  /** Lines for the log: variables that are set and look like a misspelling of ours. */
  readonly warnings: readonly string[]
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/

/**
 * Reads the configuration from environment variables. An empty variable counts as absent.
 *
 * @throws {ConfigError} whose message is one line that names the variable and what it may be.
 */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(Variables.shape)
      .map((name) => [name, environment[name]] as const)
      .filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const result = Variables.safeParse(given)
  if (!result.success) throw new ConfigError(explain(result.error, given))
  const values = result.data
  checkTogether(values)
  const entries = Object.entries(values).map(([name, value]) => [camelCase(name), value])
  return Object.freeze({ ...Object.fromEntries(entries), warnings: misspellings(environment) })
}

/** What no variable can tell by itself. */
function checkTogether(values: Values): void {
  if (values.API_KEYS.length === 0 && !LOOPBACK.test(values.HOST) && !values.ALLOW_ANONYMOUS) {
    throw new ConfigError(
      `HOST: ${values.HOST} lets others in while API_KEYS is empty; set API_KEYS, or ALLOW_ANONYMOUS=true`,
    )
  }
  if (values.SIP_ACCOUNTS.length > 0 && values.SIP_PORT === undefined) {
    throw new ConfigError('SIP_ACCOUNTS: needs SIP_PORT, usually 5060')
  }
  if (values.SIP_TLS_PORT !== undefined) {
    const hasFiles = values.SIP_TLS_CERT !== '' && values.SIP_TLS_KEY !== ''
    if (!hasFiles) throw new ConfigError('SIP_TLS_PORT: needs SIP_TLS_CERT and SIP_TLS_KEY')
    if (values.SIP_PORT === undefined) throw new ConfigError('SIP_TLS_PORT: needs SIP_PORT, too')
  }
  if (values.RTP_PORT_MAX - values.RTP_PORT_MIN < 2) {
    throw new ConfigError('RTP_PORT_MAX: must be above RTP_PORT_MIN by 2 or more')
  }
  // A browser refuses a TURN server without both.
  const hasPassword = values.TURN_USERNAME !== '' && values.TURN_PASSWORD !== ''
  if (values.TURN_URLS.length > 0 && values.TURN_SECRET === '' && !hasPassword) {
    throw new ConfigError('TURN_URLS: needs TURN_SECRET, or TURN_USERNAME and TURN_PASSWORD')
  }
}

function explain(error: z.ZodError, given: Readonly<Record<string, string | undefined>>): string {
  const issue = error.issues[0]
  const name = String(issue?.path[0])
  const schema = Variables.shape[name as keyof typeof Variables.shape]
  const isSecret = schema?.meta()?.['secret'] === true
  const shown = isSecret ? '' : ` (is ${JSON.stringify(given[name])})`
  return `${name}: ${issue?.message.replace(/^Invalid input: /, '')}${shown}`
}

function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** Names that are set and one or two letters away from one of ours. */
function misspellings(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.keys(Variables.shape)
  return Object.keys(environment)
    .filter((name) => name.length >= 6 && !known.includes(name))
    .flatMap((name) => {
      const meant = known.find((other) => other.length >= 6 && distance(name, other) <= 2)
      return meant === undefined ? [] : [`${name} is set but means nothing; did you mean ${meant}?`]
    })
}

/** Levenshtein distance: how many letters must be added, removed or changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
