import { LadingError } from '@lading/protocol'
import type { ApiContext } from './context.ts'

export interface Readiness {
  readonly status: 'ok' | 'degraded'
  /** `ok`, or the code and sentence of what is wrong, for each dependency. */
  readonly checks: Record<string, string>
  /** Why nothing can be accepted now. */
  readonly error: LadingError | undefined
}

type Needs = Pick<ApiContext, 'catalog' | 'spool' | 'store' | 'queueCheck' | 'config' | 'log'> &
  Partial<Pick<ApiContext, 'identities'>>

/**
 * Asks every dependency at once. Accepting needs Postgres and the spool, and keys of the issuer where its tokens are taken;
 * the store and the queue only deliver, and an issuer whose keys are here is not needed for a while.
 */
export async function examine(context: Needs): Promise<Readiness> {
  const { catalog, spool, store, queueCheck, config, identities } = context
  const signal = AbortSignal.timeout(config.limits.checkMs)
  const issuer = identities?.issuer
  const tokens = issuer === undefined ? {} : { issuer: issuer.check() }
  const needed = {
    postgres: catalog.check(),
    spool: spool.check(),
    ...(issuer?.usable ? {} : tokens),
  }
  const wanted = {
    store: store.check(config.bucket, signal),
    ...(queueCheck === undefined ? {} : { queue: queueCheck() }),
    ...(issuer?.usable ? tokens : {}),
  }
  const all = Object.entries<Promise<void>>({ ...needed, ...wanted })
  const faults = new Map<string, LadingError>()
  await Promise.all(
    all.map(async ([name, check]) => {
      const fault = await faultOf(check, signal)
      if (fault !== undefined) faults.set(name, fault)
    }),
  )
  for (const [dependency, fault] of faults)
    context.log.warn({ dependency, err: fault }, 'a dependency is not ready')
  const checks = Object.fromEntries(all.map(([name]) => [name, sentenceOf(faults.get(name))]))
  const fatal = Object.keys(needed).filter((name) => faults.has(name))
  return { status: faults.size === 0 ? 'ok' : 'degraded', checks, error: fatalError(fatal, faults) }
}

async function faultOf(check: Promise<void>, signal: AbortSignal): Promise<LadingError | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(new LadingError('internal', 'it did not answer in time'))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([check, late])
    return undefined
  } catch (error) {
    return error instanceof LadingError ? error : new LadingError('internal', 'it failed', { cause: error })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function sentenceOf(fault: LadingError | undefined): string {
  return fault === undefined ? 'ok' : fault.detail
}

function fatalError(
  names: readonly string[],
  faults: ReadonlyMap<string, LadingError>,
): LadingError | undefined {
  if (names.length === 0) return undefined
  const detail = names.map((name) => `${name}: ${sentenceOf(faults.get(name))}`).join('; ')
  return new LadingError('not_ready', detail)
}
