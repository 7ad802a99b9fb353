import { allows } from '@lading/core'
import { CreateTokenRequest, LadingError, RunParams, TokenResponse, type TokenScope } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import type { Identity } from '../identity/identity.ts'
import { denied } from '../identity/refusals.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { runOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'config' | 'identities'>

export function create({ catalog, config, identities }: Needs) {
  return operation({
    id: 'createToken',
    permission: 'write',
    tag: 'Runs',
    summary: 'Make a token that is limited to this run',
    description:
      'For a training job: it reaches what is of the run, and nothing else of the tenant. It ends by itself, and with the key that made it. No token of a run makes another.',
    params: RunParams,
    json: CreateTokenRequest,
    responses: { 201: json('The token', TokenResponse) },
    errors: ['run_not_found', 'tokens_unavailable', 'unsupported_media_type'],
    async handle({ tenant, identity, params, body, response }) {
      if (config.auth === 'none') {
        throw new LadingError('tokens_unavailable', 'no request has to show a token here; leave it out')
      }
      const { runId } = await runOf(catalog, tenant, params.run_id)
      const scopes = scopesFor(identity, body.scopes)
      const expiresAt = endOf(identity, body.ttl_seconds)
      const token = await identities.runTokens.make({
        tenant,
        runId,
        scopes,
        expiresAt,
        keyId: identity.key?.keyId,
      })
      sendJson(response, 201, {
        token,
        run_id: runId,
        scopes,
        expires_at: expiresAt.toISOString(),
      } satisfies TokenResponse)
    },
  })
}

/** Nobody gives what they have not. Fails with `permission_denied`. */
function scopesFor({ scopes: held }: Identity, asked: readonly TokenScope[] | undefined): TokenScope[] {
  const usual = (['read', 'write'] as const).filter((scope) => allows(held, scope))
  for (const scope of asked ?? []) if (!allows(held, scope)) throw denied(scope)
  return [...new Set(asked ?? usual)]
}

/** To the second, as the token says it; no later than the key ends. */
function endOf({ key }: Identity, seconds: number): Date {
  const end = Math.floor(Date.now() / 1000 + seconds) * 1000
  return new Date(Math.min(end, key?.expiresAt?.getTime() ?? end))
}
