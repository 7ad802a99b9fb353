import type { Environment } from './environment.ts'
import { SettingsError } from './settings/settings-error.ts'

/** Where the commands of users go, and as whom. */
export interface Connection {
  /** Without a slash at its end. */
  readonly url: string
  /** Whether somebody gave the URL; it is the default else. */
  readonly named: boolean
  /** Undefined: that of the key, or the server's default. */
  readonly tenant: string | undefined
  readonly apiKey: string | undefined
}

export interface ConnectionOptions {
  readonly url?: string
  readonly tenant?: string
}

const DEFAULT_URL = 'http://localhost:8080'

/** Options win over the environment. A key is taken from the environment alone: arguments are seen by everybody. */
export function readConnection(environment: Environment, options: ConnectionOptions): Connection {
  const chosen = options.url ?? given(environment.LADING_URL)
  const url = chosen ?? DEFAULT_URL
  const tenant = options.tenant ?? given(environment.LADING_TENANT)
  const apiKey = given(environment.LADING_API_KEY)
  const faults = [
    faultOfUrl(options.url === undefined ? 'LADING_URL' : '--url', url),
    faultOfHeader(options.tenant === undefined ? 'LADING_TENANT' : '--tenant', tenant),
    faultOfHeader('LADING_API_KEY', apiKey),
  ].filter((fault) => fault !== undefined)
  if (faults.length > 0) throw new SettingsError(faults)
  return { url: url.replace(/\/+$/, ''), named: chosen !== undefined, tenant, apiKey }
}

function faultOfUrl(name: string, text: string): string | undefined {
  const shown = `${name}: ${JSON.stringify(text)}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return `${shown} must be a URL that begins with http:// or https://`
  if (url.username !== '' || url.password !== '')
    return `${name}: holds a name or a password; give a key by LADING_API_KEY`
  return /[?#]/.test(text) ? `${shown} has a "?" or "#", after which no path can follow` : undefined
}

/** The value is not shown: it may be a key. */
function faultOfHeader(name: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return undefined
  return `${name}: has a character that no request can carry: a line break, or one outside of ASCII; is it copied whole?`
}

/** An empty variable is as if it were not there. */
function given(value: string | undefined): string | undefined {
  return value?.trim() || undefined
}
