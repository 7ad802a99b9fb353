import { type ApiConfig, ISSUER_KEY_TIMES } from '@lading/api'
import { isLoopback } from '@lading/core'
import type { Environment } from './environment.ts'
import type { Settings } from './settings/table.ts'

type AuthConfig = Pick<ApiConfig, 'auth' | 'jwt' | 'tokenSecrets' | 'metricsToken'>

/** Who is believed. The settings have no faults by `faultsOfAuth`. */
export function authOf(settings: Settings): AuthConfig {
  return {
    auth: settings.LADING_AUTH,
    jwt: jwtOf(settings),
    tokenSecrets: (settings.LADING_TOKEN_SECRET ?? []).map((secret) => Buffer.from(secret)),
    metricsToken: settings.LADING_METRICS_TOKEN,
  }
}

/** Settings of authentication that contradict each other, or that would have no effect. */
export function faultsOfAuth(environment: Environment, settings: Settings): string[] {
  return [...faultsOfKind(settings), ...faultsOfJwt(environment, settings)]
}

/** Who reaches an open port is everybody; that has to be meant. */
function faultsOfKind(settings: Settings): string[] {
  const { LADING_AUTH, LADING_HOST, LADING_ALLOW_UNAUTHENTICATED } = settings
  if (LADING_AUTH !== 'none' || LADING_ALLOW_UNAUTHENTICATED || isLoopback(LADING_HOST)) return []
  return [
    `LADING_HOST: ${LADING_HOST} is not loopback, and nobody is authenticated; set LADING_AUTH to api-key or jwt, or LADING_ALLOW_UNAUTHENTICATED=true where a proxy in front knows its clients`,
  ]
}

function faultsOfJwt(environment: Environment, settings: Settings): string[] {
  if (settings.LADING_AUTH === 'jwt') {
    return (['LADING_JWT_ISSUER', 'LADING_JWT_AUDIENCE'] as const)
      .filter((name) => settings[name] === undefined)
      .map((name) => `${name}: must be set where LADING_AUTH is jwt`)
  }
  return Object.keys(environment)
    .filter((name) => name.startsWith('LADING_JWT_') && environment[name]?.trim())
    .map((name) => `${name}: has no effect unless LADING_AUTH is jwt`)
}

function jwtOf(settings: Settings): ApiConfig['jwt'] {
  const { LADING_AUTH, LADING_JWT_ISSUER: issuer, LADING_JWT_AUDIENCE: audience } = settings
  if (LADING_AUTH !== 'jwt' || issuer === undefined || audience === undefined) return undefined
  return {
    issuer,
    audience,
    algorithms: settings.LADING_JWT_ALGORITHMS,
    tenantClaim: settings.LADING_JWT_TENANT_CLAIM,
    scopeClaim: settings.LADING_JWT_SCOPE_CLAIM,
    scopePrefix: settings.LADING_JWT_SCOPE_PREFIX,
    clockToleranceMs: settings.LADING_JWT_CLOCK_TOLERANCE,
    keys: ISSUER_KEY_TIMES,
  }
}
