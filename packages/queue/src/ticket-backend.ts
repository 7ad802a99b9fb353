import type { Ticket } from '@lading/core'
import type { BackendFactory, IQueueBackend, Queue } from 'bullmq'

/** The slice of BullMQ that a producer of tickets uses. */
export type ProducerQueue = Pick<Queue<Ticket>, 'addBulk' | 'getWaitingCount'>

/** What the adapter needs of the server that BullMQ keeps its queues on. Nothing here has a time limit of its own. */
export interface TicketBackend {
  /** Resolves once the server answers and has what BullMQ needs there; connects or makes it where it does not. */
  ready(): Promise<void>

  /** The producer's side of one queue, over one connection for all queues. Wants `ready()` before. */
  producer(name: string): Promise<ProducerQueue>

  /** Those of the job ids that the queue holds in whatever state, in one round trip. */
  held(name: string, ids: readonly string[]): Promise<Set<string>>

  /** Connections for one BullMQ worker, apart from all others, so that replacing a worker replaces them as well. */
  workerConnections(): WorkerConnections

  ping(): Promise<void>
  close(): Promise<void>
}

export interface WorkerConnections {
  readonly factory: BackendFactory<IQueueBackend, object>
  /** Cuts them without a farewell. Safe after an orderly close, and while the server is away. */
  cut(): void
}
