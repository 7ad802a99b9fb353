import { IssuerKeys, type JwtRules } from '@lading/api'
import { LadingError } from '@lading/protocol'
import type { Config } from '../config.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** What the settings make of the system. */
export async function examineSettings(config: Config): Promise<Finding[]> {
  const database = config.databaseUrl === undefined ? 'a PostgreSQL of its own' : 'the PostgreSQL given'
  const queue = config.redisUrl === undefined ? 'the queue in it' : 'the queue in Redis'
  const store = config.store.kind === 's3' ? `the bucket ${config.bucket}` : `objects in ${config.store.root}`
  const { jwt } = config.api
  return [
    ok('settings.valid', `${database}, ${queue}, ${store}`),
    whoIsBelieved(config),
    ...(jwt === undefined ? [] : [await issuer(jwt)]),
  ]
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

/** Looks for its keys, as an API does that has just started. */
async function issuer(rules: JwtRules): Promise<Finding> {
  try {
    await new IssuerKeys(rules).check()
    return ok('settings.issuer', `the keys of ${rules.issuer} are there`)
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    const mend =
      'Is LADING_JWT_ISSUER to the letter what the issuer calls itself? For an authority of your own, set NODE_EXTRA_CA_CERTS.'
    return fail('settings.issuer', error.detail, mend)
  }
}
