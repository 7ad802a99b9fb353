import { Counter, Histogram, type Registry } from 'prom-client'

export type WorkerMetrics = ReturnType<typeof workerMetrics>

export function workerMetrics(registry: Registry) {
  const registers = [registry]
  return {
    delivered: new Counter({
      name: 'lading_delivered_files_total',
      help: 'Files that came to an end in a worker, by state.',
      labelNames: ['state'],
      registers,
    }),
    deliveredBytes: new Counter({
      name: 'lading_delivered_bytes_total',
      help: 'Bytes of files that were stored and proven.',
      registers,
    }),
    failedAttempts: new Counter({
      name: 'lading_failed_attempts_total',
      help: 'Attempts to deliver a file that failed, by error code.',
      labelNames: ['code'],
      registers,
    }),
    fencedDrops: new Counter({
      name: 'lading_fenced_drops_total',
      help: 'Tickets and commits that were dropped because their lease had passed.',
      labelNames: ['at'],
      registers,
    }),
    leaseExpiries: new Counter({
      name: 'lading_lease_expiries_total',
      help: 'Leases that ran out, as the leader saw them.',
      registers,
    }),
    lostTickets: new Counter({
      name: 'lading_lost_tickets_total',
      help: 'Tickets that the queue had lost and that were dispatched again.',
      registers,
    }),
    dispatched: new Counter({
      name: 'lading_dispatched_tickets_total',
      help: 'Tickets that were handed to the queue.',
      registers,
    }),
    leading: new Counter({
      name: 'lading_leaderships_total',
      help: 'Times that this process became the leader.',
      registers,
    }),
    droppedPacks: new Counter({
      name: 'lading_dropped_packs_total',
      help: 'Packs that were removed from the spool, by why.',
      labelNames: ['why'],
      registers,
    }),
    scrubbed: new Counter({
      name: 'lading_scrubbed_artifacts_total',
      help: 'Artifacts that were read back from the store, by what was found.',
      labelNames: ['verdict'],
      registers,
    }),
    scrubbedBytes: new Counter({
      name: 'lading_scrubbed_bytes_total',
      help: 'Bytes of artifacts that were read back and found right.',
      registers,
    }),
    resumedParts: new Counter({
      name: 'lading_resumed_parts_total',
      help: 'Parts of multipart uploads that a predecessor had sent.',
      registers,
    }),
    ticketSeconds: new Histogram({
      name: 'lading_ticket_seconds',
      help: 'From taking a ticket to its end, seconds.',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300],
      registers,
    }),
  }
}
