import { pass, type S3Proxy, type S3Request } from './system-s3-proxy.ts'

export interface HeldRequests {
  /** Those that wait for `release`, in the order in which they came. */
  readonly held: readonly S3Request[]
  /** Holds no more; those that are held go on waiting. */
  holdNoMore(): void
  /** Lets the held ones go on, and holds no more. */
  release(): void
}

export interface HoldOptions {
  readonly operation: string
  /** How many pass before the first is held. */
  readonly after?: number
  /** Whether a held request arrives even if its sender is gone by then, as one that is on its way in a network. */
  readonly absorb?: boolean
}

/** Holds requests on their way to S3, so that a test does what it does in the middle of a delivery, not at about that time. */
export function holdRequests(
  proxy: S3Proxy,
  { operation, after = 0, absorb = false }: HoldOptions,
): HeldRequests {
  const gate = Promise.withResolvers<undefined>()
  const held: S3Request[] = []
  let passed = 0
  const holdNoMore = () => {
    proxy.rule = pass
  }
  proxy.rule = async (request) => {
    if (request.operation !== operation) return undefined
    passed += 1
    if (passed <= after) return undefined
    if (absorb) await request.absorb()
    held.push(request)
    return await gate.promise
  }
  return {
    held,
    holdNoMore,
    release: () => {
      holdNoMore()
      gate.resolve(undefined)
    },
  }
}
