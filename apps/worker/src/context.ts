import type { Catalog } from '@lading/catalog'
import type { ObjectStore, Spool, TicketQueue } from '@lading/core'
import type { Logger } from 'pino'
import type { WorkerConfig } from './config.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Turns } from './turns.ts'

/** What delivering is done with; wired once, in `worker.ts`. */
export interface WorkerContext {
  readonly workerId: string
  readonly catalog: Catalog['delivery']
  readonly hints: Catalog['hints']
  readonly queue: TicketQueue
  readonly store: ObjectStore
  /** The spools that this process can see, by id. */
  readonly spools: ReadonlyMap<string, Spool>
  readonly memory: MemoryBudget
  readonly turns: Turns
  readonly config: WorkerConfig
  readonly log: Logger
  readonly metrics: WorkerMetrics
}
