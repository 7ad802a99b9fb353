import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Scope } from './permissions.ts'
import type { TenantId } from './tenant.ts'

/** What a token says that is limited to one run. */
export interface RunGrant {
  readonly tenant: TenantId
  readonly runId: string
  readonly scopes: readonly Scope[]
  /** To the second. */
  readonly expiresAt: Date
  /** The key that made it, with which it ends; undefined: whoever made it had none. */
  readonly keyId: string | undefined
}

const PREFIX = 'lading_run_'
const VERSION = 1

interface Payload {
  readonly v: typeof VERSION
  readonly tenant: TenantId
  readonly run: string
  readonly scopes: readonly Scope[]
  /** Seconds since 1970. */
  readonly exp: number
  readonly key?: string
}

/**
 * `lading_run_`, what is granted as JSON in base64url, a full stop, and HMAC-SHA-256 over all that precedes it. Nothing in
 * it says how it is to be checked, so that no token can choose.
 */
export function signRunToken(grant: RunGrant, secret: Buffer): string {
  const payload: Payload = {
    v: VERSION,
    tenant: grant.tenant,
    run: grant.runId,
    scopes: grant.scopes,
    exp: Math.floor(grant.expiresAt.getTime() / 1000),
    ...(grant.keyId !== undefined && { key: grant.keyId }),
  }
  const stem = `${PREFIX}${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`
  return stem + macOf(stem, secret)
}

/** By its form alone; an API key has no full stop. */
export function isRunToken(token: string): boolean {
  return token.startsWith(PREFIX) && token.includes('.')
}

/** What the token grants, whether or not it has expired. Undefined: none of the secrets signed it. */
export function readRunToken(token: string, secrets: readonly Buffer[]): RunGrant | undefined {
  if (!isRunToken(token)) return undefined
  const end = token.indexOf('.') + 1
  const stem = token.slice(0, end)
  const mac = token.slice(end)
  if (!secrets.some((secret) => isSame(macOf(stem, secret), mac))) return undefined
  const { v, tenant, run, scopes, exp, key } = JSON.parse(
    Buffer.from(stem.slice(PREFIX.length, -1), 'base64url').toString('utf8'),
  ) as Payload
  if (v !== VERSION) return undefined
  return { tenant, runId: run, scopes, expiresAt: new Date(exp * 1000), keyId: key }
}

function macOf(stem: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(stem).digest('base64url')
}

/** As text: several texts of base64 are the same bytes. */
function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
