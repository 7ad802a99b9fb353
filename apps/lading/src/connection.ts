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
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    const name = options.url === undefined ? 'LADING_URL' : '--url'
    throw new SettingsError([
      `${name}: ${JSON.stringify(url)} must be a URL that begins with http:// or https://`,
    ])
  }
  return {
    url: url.replace(/\/+$/, ''),
    named: chosen !== undefined,
    tenant: options.tenant ?? given(environment.LADING_TENANT),
    apiKey: given(environment.LADING_API_KEY),
  }
}

/** An empty variable is as if it were not there. */
function given(value: string | undefined): string | undefined {
  return value?.trim() || undefined
}
