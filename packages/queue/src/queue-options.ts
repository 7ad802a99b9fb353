/** BullMQ's options for queues and workers alike; each backend's factory puts its own connection in. */
export function queueOptions(prefix: string) {
  return {
    connection: {},
    prefix,
    // BullMQ writes four events for each ticket, which nobody reads. They cannot be turned off, only kept short.
    streams: { events: { maxLen: 100 } },
  }
}

/** Retry, backoff and dead letters live in the catalog, where they outlast the queue. */
export const TICKET_JOB = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const
