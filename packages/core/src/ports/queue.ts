/**
 * What travels through the queue: ids and a lease epoch, and no state. A ticket that is lost costs a moment; one that
 * comes twice, or late, is dropped where it is taken, because its epoch has been taken or has passed.
 */
export interface Ticket {
  readonly workId: string
  /** The lease's epoch, from 1. */
  readonly epoch: number
}

/** Takes one ticket to its end. Never rejects for a failed delivery: outcomes are rows in the catalog. */
export type TicketHandler = (ticket: Ticket, signal: AbortSignal) => Promise<void>

/** A bounded window of tickets, one queue for each route (the id of a spool). */
export interface TicketQueue {
  /**
   * Adds tickets, at most 500 a call. Safe to repeat: a ticket is known by its work id and epoch. Fails with
   * `queue_unavailable` within `timeoutMs`, whatever the library below does; the tickets may then be there or not.
   */
  add(route: string, tickets: readonly Ticket[]): Promise<void>

  /** Those of the tickets that the queue no longer holds, waiting or active: a flush, an eviction, a lost write. */
  missing(route: string, tickets: readonly Ticket[]): Promise<Ticket[]>

  /**
   * Hands tickets of the route to the handler, `slots` at a time. Returns at once, also while the queue cannot be
   * reached, and connects by itself when it can. The handler's signal fires when the consumer is closed.
   */
  consume(route: string, options: { slots: number; handler: TicketHandler }): TicketConsumer

  /** Fails with `queue_unavailable` when the queue does not answer in time. */
  check(): Promise<void>

  close(): Promise<void>
}

export interface TicketConsumer {
  /** Times that the watchdog replaced a consumer that had stopped fetching while tickets waited. */
  readonly revived: number

  /** Takes no more tickets; aborts the running handlers' signals with `reason`; waits until they have ended. */
  close(reason: unknown): Promise<void>
}
