import type { Ticket, TicketConsumer, TicketQueue } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/deadline.ts'

/** The server that a queue is kept on, in the hands of a test. */
export interface QueueServer {
  /** A queue on this server; its names are apart from those of every other one. Options are passed on. */
  open(options?: QueueOptions): StuckableQueue
  /** A queue on an address where no server is. */
  openNowhere(options?: QueueOptions): TicketQueue
  down(): Promise<void>
  up(): Promise<void>
  /** Stops the server's processes without ending a connection, and lets them go on. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Takes all tickets away, whatever their state: FLUSHALL, or a table emptied. */
  forget(): Promise<void>
  stop(): Promise<void>
}

export interface QueueOptions {
  readonly timeoutMs?: number
  readonly watchdog?: { readonly everyMs: number; readonly starvedMs: number }
}

/** A queue whose consumer can be made to stop fetching without knowing it. */
export interface StuckableQueue extends TicketQueue {
  consume(route: string, options: Parameters<TicketQueue['consume']>[1]): StuckableConsumer
}

export interface StuckableConsumer extends TicketConsumer {
  readonly worker: { pause(doNotWaitActive: boolean): Promise<void> } | undefined
}

const WITHIN = { within: 30_000 }

/** What every queue of tickets promises, whatever it is kept on. */
export function describeTicketQueue(name: string, start: () => Promise<QueueServer>): void {
  describe(`tickets on ${name}`, { timeout: 60_000 }, () => {
    let server: QueueServer
    const opened: TicketQueue[] = []
    beforeAll(async () => {
      server = await start()
    }, 60_000)
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((queue) => queue.close()))
    })
    afterAll(async () => {
      await server?.stop()
    })

    function open(options: QueueOptions = {}): StuckableQueue {
      const queue = server.open(options)
      opened.push(queue)
      return queue
    }

    function openNowhere(options: QueueOptions = {}): TicketQueue {
      const queue = server.openNowhere(options)
      opened.push(queue)
      return queue
    }

    it('hands every ticket once', async () => {
      const queue = open()
      const sent = tickets(200)
      const seen: string[] = []
      queue.consume('r', { slots: 8, handler: async (ticket) => void seen.push(key(ticket)) })
      await queue.add('r', sent)
      await until(() => seen.length >= sent.length, WITHIN)
      expect(seen.toSorted()).toEqual(sent.map(key).toSorted())
    })

    it('keeps routes apart', async () => {
      const queue = open()
      const seen: string[] = []
      queue.consume('here', { slots: 2, handler: async (ticket) => void seen.push(ticket.workId) })
      await queue.add('elsewhere', [{ workId: 'other', epoch: 1 }])
      await queue.add('here', [{ workId: 'mine', epoch: 1 }])
      await until(() => seen.length > 0, WITHIN)
      expect(seen).toEqual(['mine'])
      expect(await queue.missing('elsewhere', [{ workId: 'other', epoch: 1 }])).toEqual([])
    })

    it('hands a ticket once that was added twice, and again for its next epoch', async () => {
      const queue = open()
      const first = { workId: 'w', epoch: 1 }
      await queue.add('r', [first, first])
      await queue.add('r', [first])
      await queue.add('r', [{ workId: 'w', epoch: 2 }])
      await queue.add('r', [{ workId: 'last', epoch: 1 }])
      const seen: string[] = []
      queue.consume('r', { slots: 1, handler: async (ticket) => void seen.push(key(ticket)) })
      await until(() => seen.includes('last/1'), WITHIN)
      expect(seen).toEqual(['w/1', 'w/2', 'last/1'])
    })

    it('lets no more handlers run than there are slots, and uses them all', async () => {
      const queue = open()
      let running = 0
      let most = 0
      let ended = 0
      const all = Promise.withResolvers<void>()
      queue.consume('r', {
        slots: 3,
        handler: async () => {
          most = Math.max(most, ++running)
          if (running === 3) all.resolve()
          await all.promise
          running--
          ended++
        },
      })
      await queue.add('r', tickets(30))
      await until(() => ended === 30, WITHIN)
      expect(most).toBe(3)
    })

    it('goes on after a handler that fails', async () => {
      const queue = open()
      const seen: string[] = []
      queue.consume('r', {
        slots: 1,
        handler: async (ticket) => {
          seen.push(key(ticket))
          throw new Error('a handler that breaks its promise')
        },
      })
      await queue.add('r', tickets(3))
      await until(() => seen.length === 3, WITHIN)
      await until(async () => (await queue.missing('r', tickets(3))).length === 3, WITHIN)
      expect(seen).toHaveLength(3)
    })

    it('carries 2,000 tickets', async () => {
      const queue = open({ timeoutMs: 10_000 })
      const seen = new Set<string>()
      queue.consume('r', { slots: 16, handler: async (ticket) => void seen.add(key(ticket)) })
      for (let from = 0; from < 2_000; from += 500) await queue.add('r', tickets(500, from))
      await until(() => seen.size === 2_000, WITHIN)
    })

    it('refuses more than 500 tickets a call and a route that cannot be a name', async () => {
      const queue = open()
      await expect(queue.add('r', tickets(501))).rejects.toThrow(RangeError)
      await expect(queue.add('a:b', tickets(1))).rejects.toThrow(RangeError)
    })

    it('tells which tickets it no longer holds', async () => {
      const queue = open()
      const held = tickets(5)
      await queue.add('r', held)
      expect(await queue.missing('r', [...held, { workId: 'never', epoch: 1 }])).toEqual([
        { workId: 'never', epoch: 1 },
      ])
      await server.forget()
      expect(await queue.missing('r', held)).toEqual(held)
      await queue.add('r', held)
      expect(await queue.missing('r', held)).toEqual([])
    })

    it('counts a ticket that is being handled as held, and one that was handled as gone', async () => {
      const queue = open()
      const [ticket] = tickets(1) as [Ticket]
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      queue.consume('r', {
        slots: 1,
        handler: async () => {
          begun.resolve()
          await end.promise
        },
      })
      await queue.add('r', [ticket])
      await begun.promise
      expect(await queue.missing('r', [ticket])).toEqual([])
      end.resolve()
      await until(async () => (await queue.missing('r', [ticket])).length === 1, WITHIN)
    })

    it('fails in time with queue_unavailable where no server ever was', async () => {
      const queue = openNowhere({ timeoutMs: 300 })
      await expectUnavailable(queue.add('r', tickets(1)))
      await expectUnavailable(queue.missing('r', tickets(1)))
      await expectUnavailable(queue.check())
    })

    it('closes a consumer that never reached a server', async () => {
      const queue = openNowhere({ timeoutMs: 300 })
      const consumer = queue.consume('r', { slots: 1, handler: async () => undefined })
      await consumer.close('the end')
    })

    it('fails in time with queue_unavailable while the server is frozen, and works when it thaws', async () => {
      const queue = open({ timeoutMs: 1_000 })
      const seen = new Set<string>()
      queue.consume('r', { slots: 1, handler: async (ticket) => void seen.add(key(ticket)) })
      await until(() => queue.check().then(() => true), WITHIN)
      await queue.add('r', [{ workId: 'before', epoch: 1 }])
      await until(() => seen.has('before/1'), WITHIN)
      await server.freeze()
      try {
        await expectUnavailable(queue.add('r', [{ workId: 'frozen', epoch: 1 }]))
        await expectUnavailable(queue.check())
      } finally {
        await server.thaw()
      }
      await until(() => queue.add('r', [{ workId: 'after', epoch: 1 }]).then(() => true), WITHIN)
      await until(() => seen.has('after/1'), WITHIN)
    })

    it('begins to hand tickets when a server comes up that was down at the start', async () => {
      await server.down()
      const queue = open({ timeoutMs: 1_000 })
      const seen: string[] = []
      queue.consume('r', { slots: 2, handler: async (ticket) => void seen.push(key(ticket)) })
      await expectUnavailable(queue.add('r', tickets(1)))
      await server.up()
      await until(() => queue.add('r', tickets(1)).then(() => true), WITHIN)
      await until(() => seen.length === 1, WITHIN)
    })

    it('goes on after the server was restarted, with a handler running', async () => {
      const queue = open({ timeoutMs: 1_000 })
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const ended: string[] = []
      queue.consume('r', {
        slots: 2,
        handler: async (ticket) => {
          begun.resolve()
          if (ticket.workId === 'long') await end.promise
          ended.push(ticket.workId)
        },
      })
      await until(() => queue.add('r', [{ workId: 'long', epoch: 1 }]).then(() => true), WITHIN)
      await begun.promise
      await server.down()
      await server.up()
      await until(() => queue.add('r', [{ workId: 'short', epoch: 1 }]).then(() => true), WITHIN)
      await until(() => ended.includes('short'), WITHIN)
      end.resolve()
      await until(() => ended.includes('long'), WITHIN)
      await until(() => queue.add('r', [{ workId: 'last', epoch: 1 }]).then(() => true), WITHIN)
      await until(() => ended.includes('last'), WITHIN)
    })

    it('lets a handler end whose ticket is taken from under it, and goes on', async () => {
      const queue = open()
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const ended: string[] = []
      queue.consume('r', {
        slots: 1,
        handler: async (ticket, signal) => {
          begun.resolve()
          if (ticket.workId === 'taken') await end.promise
          ended.push(`${ticket.workId} ${signal.aborted}`)
        },
      })
      await queue.add('r', [{ workId: 'taken', epoch: 1 }])
      await begun.promise
      await server.forget()
      end.resolve()
      await queue.add('r', [{ workId: 'next', epoch: 1 }])
      await until(() => ended.length === 2, WITHIN)
      expect(ended).toEqual(['taken false', 'next false'])
    })

    it('aborts the running handlers with the reason on closing, waits for them, and takes no more', async () => {
      const queue = open()
      const begun = Promise.withResolvers<void>()
      const aborted = Promise.withResolvers<unknown>()
      const end = Promise.withResolvers<void>()
      const taken: string[] = []
      const consumer = queue.consume('r', {
        slots: 1,
        handler: async (ticket, signal) => {
          taken.push(ticket.workId)
          signal.addEventListener('abort', () => aborted.resolve(signal.reason))
          begun.resolve()
          await end.promise
        },
      })
      await queue.add('r', [
        { workId: 'one', epoch: 1 },
        { workId: 'two', epoch: 1 },
      ])
      await begun.promise
      const reason = new Error('the end')
      let closed = false
      const closing = consumer.close(reason).then(() => {
        closed = true
      })
      expect(await aborted.promise).toBe(reason)
      expect(closed).toBe(false)
      end.resolve()
      await closing
      expect(taken).toEqual(['one'])
      expect(await queue.missing('r', [{ workId: 'two', epoch: 1 }])).toEqual([])
    })

    it('leaves to the next consumer what a closed one did not begin', async () => {
      const queue = open()
      const handled = new Map<string, number>()
      const handler = async (ticket: Ticket) => {
        handled.set(key(ticket), (handled.get(key(ticket)) ?? 0) + 1)
      }
      await queue.add('r', tickets(300))
      for (let turn = 1; turn <= 3; turn++) {
        const consumer = queue.consume('r', { slots: 4, handler })
        await until(() => handled.size >= turn * 20, WITHIN)
        await consumer.close('the next, please')
      }
      queue.consume('r', { slots: 4, handler })
      await until(() => handled.size === 300, WITHIN)
      expect([...handled.values()].every((times) => times === 1)).toBe(true)
    })

    it('closes while the server is gone', async () => {
      const queue = open({ timeoutMs: 500 })
      const begun = Promise.withResolvers<void>()
      const consumer = queue.consume('r', {
        slots: 2,
        handler: async (_, signal) => {
          begun.resolve()
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        },
      })
      await until(() => queue.add('r', tickets(1)).then(() => true), WITHIN)
      await begun.promise
      await server.down()
      try {
        await consumer.close('the end')
        await queue.close()
      } finally {
        await server.up()
      }
    })

    it('replaces a worker that no longer fetches, and still keeps to the slots', async () => {
      const queue = open({ watchdog: { everyMs: 50, starvedMs: 200 } })
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const ended: string[] = []
      let running = 0
      let most = 0
      const consumer = queue.consume('r', {
        slots: 2,
        handler: async (ticket) => {
          most = Math.max(most, ++running)
          begun.resolve()
          if (ticket.workId === 'long') await end.promise
          running--
          ended.push(ticket.workId)
        },
      })
      await queue.add('r', [{ workId: 'long', epoch: 1 }])
      await begun.promise
      expect(consumer.revived).toBe(0)
      await consumer.worker?.pause(true)
      await queue.add('r', tickets(20))
      await until(() => ended.length === 20, WITHIN)
      expect(consumer.revived).toBe(1)
      end.resolve()
      await until(() => ended.includes('long'), WITHIN)
      await until(async () => (await queue.missing('r', [{ workId: 'long', epoch: 1 }])).length === 1, WITHIN)
      expect(most).toBe(2)
    })
  })
}

function tickets(count: number, from = 0): Ticket[] {
  return Array.from({ length: count }, (_, index) => ({ workId: `w${from + index}`, epoch: 1 }))
}

function key(ticket: Ticket): string {
  return `${ticket.workId}/${ticket.epoch}`
}

async function expectUnavailable(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(LadingError)
  expect(error).toMatchObject({ code: 'queue_unavailable' })
}
