import type { Jobs } from './jobs.ts'
import type { TakeDigests } from './sha256.ts'
import type { Transport } from './transport.ts'

/** What belongs to a run, for those who send to it and fetch from it. */
export interface RunContext {
  readonly transport: Transport
  readonly jobs: Jobs
  readonly digests: TakeDigests
  /** Address of the run. */
  readonly address: string
}

/** Address of an artifact or directory, of a path that is checked. */
export function artifactAddress({ address }: RunContext, path: string): string {
  return `${address}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`
}
