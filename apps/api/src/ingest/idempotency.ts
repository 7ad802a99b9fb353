import { setTimeout as delay } from 'node:timers/promises'
import { newId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Request } from 'express'
import type { ApiContext } from '../context.ts'

type Needs = Pick<ApiContext, 'catalog' | 'config' | 'log'>

/** The request's Idempotency-Key, while it is under way; disposing of it lets go of a key that was not used. */
export interface ClaimedKey extends AsyncDisposable {
  readonly key: string
  readonly holder: string
  /** The job that the same key brought before, and the fingerprint of its files. */
  readonly before: { readonly jobId: string; readonly content: string } | undefined
}

/**
 * Takes the key, if the request has one, and keeps it for as long as the body lasts (IETF
 * draft-ietf-httpapi-idempotency-key-header). Fails with `idempotency_key_invalid`, `idempotency_key_in_flight`,
 * `idempotency_key_reused`.
 */
export async function claimKey(
  context: Needs,
  tenant: TenantId,
  request: Request,
): Promise<ClaimedKey | undefined> {
  const key = idempotencyKeyOf(request)
  if (key === undefined) return undefined
  const { catalog, config } = context
  const leaseMs = config.limits.idempotencyLeaseMs
  const holder = newId()
  const target = `${request.method} ${request.originalUrl}`
  const begun = await catalog.idempotency.begin(tenant, key, target, holder, leaseMs)
  if (begun.state === 'done') return { key, holder, before: begun, [Symbol.asyncDispose]: async () => {} }
  const renewal = setInterval(() => void renew(context, tenant, key, holder), leaseMs / 3)
  return {
    key,
    holder,
    before: undefined,
    async [Symbol.asyncDispose]() {
      clearInterval(renewal)
      await release(context, tenant, key, holder)
    },
  }
}

/** Fails with `idempotency_key_invalid`. */
export function idempotencyKeyOf(request: Request): string | undefined {
  const value = request.headers['idempotency-key']
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(value)) return value
  throw new LadingError(
    'idempotency_key_invalid',
    'Idempotency-Key: it must be 1 to 255 printable characters of ASCII',
  )
}

/** A renewal that fails costs nothing yet: should another take the key over, accepting this request is refused. */
async function renew(
  { catalog, config, log }: Needs,
  tenant: TenantId,
  key: string,
  holder: string,
): Promise<void> {
  try {
    await catalog.idempotency.renew(tenant, key, holder, config.limits.idempotencyLeaseMs)
  } catch (error) {
    log.warn({ err: error, tenant }, 'could not renew the lease of an idempotency key')
  }
}

/**
 * A key with a job is kept by the catalog whatever is released. Where the catalog is away it is tried again, without
 * holding up the answer: a client that comes back in a moment must not be told that its first request is under way.
 */
async function release(context: Needs, tenant: TenantId, key: string, holder: string): Promise<void> {
  const { catalog, config, log } = context
  try {
    await catalog.idempotency.release(tenant, key, holder)
  } catch (error) {
    log.warn({ err: error, tenant }, 'could not release an idempotency key yet')
    void releaseLater(context, tenant, key, holder, performance.now() + config.limits.idempotencyLeaseMs)
  }
}

/** By `end`, it has run out by itself. */
async function releaseLater(
  context: Needs,
  tenant: TenantId,
  key: string,
  holder: string,
  end: number,
): Promise<void> {
  while (performance.now() < end) {
    await delay(RELEASE_AGAIN_MS, undefined, { ref: false })
    try {
      await context.catalog.idempotency.release(tenant, key, holder)
      return
    } catch (error) {
      context.log.debug({ err: error, tenant }, 'could not release an idempotency key yet')
    }
  }
}

const RELEASE_AGAIN_MS = 500
