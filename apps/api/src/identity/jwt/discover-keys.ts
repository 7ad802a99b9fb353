import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { z } from 'zod'
import { fetchJson } from './fetch-json.ts'

/** The keys of an issuer, by what a token's header names. */
export type KeySet = ReturnType<typeof createLocalJWKSet>

const Configuration = z.object({ issuer: z.string(), jwks_uri: z.string() })
const Keys = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

/**
 * Finds the issuer's keys (OpenID Connect Discovery 1.0, 4). Its document must name that same issuer (4.3), or another
 * could speak for it. Fails with an `Error` that says what is wrong.
 */
export async function discoverKeys(issuer: string, timeoutMs: number): Promise<KeySet> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const configuration = read(Configuration, await fetchJson(address, timeoutMs), address)
  if (configuration.issuer !== issuer) {
    throw new Error(`${address}: is of the issuer ${JSON.stringify(configuration.issuer.slice(0, 200))}`)
  }
  const { jwks_uri: uri } = configuration
  return createLocalJWKSet(read(Keys, await fetchJson(uri, timeoutMs), uri) as JSONWebKeySet)
}

function read<T extends z.ZodType>(schema: T, document: unknown, address: string): z.output<T> {
  const result = schema.safeParse(document)
  if (result.success) return result.data
  throw new Error(`${address}: is not what OpenID Connect describes`, { cause: result.error })
}
