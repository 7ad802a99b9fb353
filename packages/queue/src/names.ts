import type { Ticket } from '@lading/core'

/** BullMQ's name of a route's queue. It refuses a colon, which parts its keys. */
export function queueName(route: string): string {
  if (!/^[\w.-]{1,128}$/.test(route)) {
    throw new RangeError(`a route is 1 to 128 of A-Z a-z 0-9 _ . -, not ${JSON.stringify(route)}`)
  }
  return `deliver-${route}`
}

/** One job for each work item and epoch, so that adding a ticket twice leaves one. */
export function jobId(ticket: Ticket): string {
  return `${ticket.workId}-${ticket.epoch}`
}

/** The ticket that a job carries, or undefined for a job whose data an eviction has taken or that is not ours. */
export function ticketOf(data: unknown): Ticket | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { workId, epoch } = data as Partial<Ticket>
  if (typeof workId !== 'string' || typeof epoch !== 'number') return undefined
  return { workId, epoch }
}
