import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { allows } from '@lading/core'
import type { ApiConfig } from '../config.ts'
import { bearerOf } from './bearer.ts'
import type { Identities } from './identities.ts'
import { denied, unauthenticated } from './refusals.ts'

/**
 * Refuses whoever may not read the metrics, which are of all tenants together. Where the operator has set a token, that
 * is what opens them, and nothing else; else the scope `admin`, of any tenant; where nobody is authenticated, nothing is
 * asked. Fails as `Identities.of`, and with `permission_denied`.
 */
export async function admitToMetrics(
  request: Pick<IncomingMessage, 'headers'>,
  { auth, metricsToken }: Pick<ApiConfig, 'auth' | 'metricsToken'>,
  identities: Identities,
): Promise<void> {
  if (metricsToken !== undefined) {
    if (isSame(bearerOf(request), metricsToken)) return
    throw unauthenticated('is not the token that is set for metrics', 'invalid_token')
  }
  if (auth === 'none') return
  const { scopes } = await identities.of(bearerOf(request))
  if (!allows(scopes, 'admin')) throw denied('admin')
}

/** Digests, so that neither the length nor the first characters are told by how long it takes. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
