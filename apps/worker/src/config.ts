import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '@lading/core'

export interface WorkerConfig {
  /** Tickets that are worked on at once. */
  readonly slots: number
  /** Percent of the slots that one tenant's tickets may hold. Below 100, so that a slot is free when another comes. */
  readonly tenantPercent: number
  /** Requests to the object store at once for each ticket: files of a group, or parts of a file. */
  readonly requestsPerTicket: number
  /** The most bytes of files in memory at once, over all tickets. */
  readonly memoryBytes: number
  /** Milliseconds for which a worker holds work without a heartbeat. It sends one every sixth of that. */
  readonly leaseMs: number
  /** The longest that the dispatcher waits for a hint before it looks for work by itself, milliseconds. */
  readonly pollMs: number
  /** Milliseconds after which a ticket that no worker has taken is looked for in the queue. */
  readonly lostTicketMs: number
  /** Milliseconds between two sweeps. */
  readonly sweepMs: number
  /** Milliseconds between two looks through the spool for packs that nothing needs. */
  readonly reconcileMs: number
  /** Age after which a sealed pack that the catalog does not know is dropped, milliseconds. */
  readonly unknownPackMs: number
  /** Milliseconds without a write after which an unsealed pack is what a dead process left. */
  readonly partialPackMs: number
  /** How long the packs of failed files are kept for a retry, milliseconds. */
  readonly keepFailedMs: number
  /** How long an idempotency key is remembered, milliseconds. */
  readonly idempotencyMs: number
  readonly scrub: ScrubConfig
  readonly retry: RetryPolicy
}

/** How fast the leader reads back what was delivered: for all workers together. */
export interface ScrubConfig {
  /** 0: nothing is read back. */
  readonly bytesPerSecond: number
  readonly objectsPerSecond: number
  /** Time between two looks at the same object, milliseconds. */
  readonly everyMs: number
  /** Time between two looks for objects that are due, milliseconds. */
  readonly pollMs: number
}

/** A part of a lease's time, in whole milliseconds: `AbortSignal.timeout` takes no others. */
export function shareOfLease({ leaseMs }: Pick<WorkerConfig, 'leaseMs'>, share: number): number {
  return Math.floor(leaseMs * share)
}

const MINUTE = 60_000

export const DEFAULT_WORKER_CONFIG: WorkerConfig = {
  slots: 8,
  tenantPercent: 75,
  requestsPerTicket: 4,
  memoryBytes: 96 * 1024 * 1024,
  leaseMs: 30_000,
  pollMs: 500,
  lostTicketMs: 2_000,
  sweepMs: 1_000,
  reconcileMs: MINUTE,
  unknownPackMs: 10 * MINUTE,
  partialPackMs: 60 * MINUTE,
  keepFailedMs: 24 * 60 * MINUTE,
  idempotencyMs: 24 * 60 * MINUTE,
  scrub: {
    bytesPerSecond: 4 * 1024 * 1024,
    objectsPerSecond: 10,
    everyMs: 14 * 24 * 60 * MINUTE,
    pollMs: MINUTE,
  },
  retry: DEFAULT_RETRY_POLICY,
}
