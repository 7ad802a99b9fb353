import { createHash } from 'node:crypto'
import { closeSync, fstatSync, futimesSync, linkSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { etagOf } from '../versions.ts'
import type { Order } from './order.ts'

/** A file whose bytes are written, and not yet flushed. */
export interface Begun {
  readonly order: Order
  readonly descriptor: number
}

/** `undefined` when it could not be: the ordinary way, which comes next, says why. So it is with all that is done here. */
export function begin(order: Order, body: Uint8Array): Begun | undefined {
  const descriptor = attempt(() => openSync(order.temporary, 'wx+', 0o644))
  if (descriptor === undefined) return undefined
  const file = { order, descriptor }
  return (
    attempt(() => {
      if (writeSync(descriptor, body) !== body.length) return undefined
      futimesSync(descriptor, order.seconds, order.seconds)
      return file
    }) ?? giveUp(file)
  )
}

/** Reads the flushed file, and gives it its name if it is what was accepted: the ETag that it has then. */
export function finish(file: Begun): string | undefined {
  const { order, descriptor } = file
  return attempt(
    () => {
      const stats = fstatSync(descriptor, { bigint: true })
      if (!holds(descriptor, Number(stats.size), order.facts)) return undefined
      linkSync(order.temporary, order.path)
      return etagOf(stats)
    },
    () => giveUp(file),
  )
}

export function giveUp({ order, descriptor }: Begun): undefined {
  attempt(() => closeSync(descriptor))
  attempt(() => rmSync(order.temporary, { force: true }))
}

function holds(descriptor: number, size: number, facts: Order['facts']): boolean {
  if (size !== facts.size) return false
  const bytes = Buffer.allocUnsafe(size)
  if (readSync(descriptor, bytes, 0, size, 0) !== size) return false
  return crc32(bytes) === facts.crc32 && createHash('sha256').update(bytes).digest('hex') === facts.sha256
}

function attempt<T>(work: () => T, last?: () => void): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  } finally {
    last?.()
  }
}
