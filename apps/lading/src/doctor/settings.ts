import type { Config } from '../config.ts'
import { type Finding, ok, warn } from './finding.ts'

/** What the settings make of the system. */
export async function examineSettings(config: Config): Promise<Finding[]> {
  const database = config.databaseUrl === undefined ? 'a PostgreSQL of its own' : 'the PostgreSQL given'
  const queue = config.redisUrl === undefined ? 'the queue in it' : 'the queue in Redis'
  const store = config.store.kind === 's3' ? `the bucket ${config.bucket}` : `objects in ${config.store.root}`
  return [ok('settings.valid', `${database}, ${queue}, ${store}`), whoIsBelieved(config)]
}

function whoIsBelieved({ api, host, loopback }: Config): Finding {
  if (api.jwt) return ok('settings.access', `requests show a token of ${api.jwt.issuer}, or a key`)
  if (api.auth === 'api-key') return ok('settings.access', 'requests show a key')
  if (loopback) return ok('settings.access', `nobody is authenticated, and only this machine reaches ${host}`)
  return warn(
    'settings.access',
    `nobody is authenticated, on ${host}`,
    'Set LADING_AUTH=api-key and make keys (`lading keys create`), or LADING_AUTH=jwt, unless a proxy in front knows its clients.',
  )
}
