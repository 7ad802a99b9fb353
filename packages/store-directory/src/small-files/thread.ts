import { fsync } from 'node:fs'
import { promisify } from 'node:util'
import { parentPort } from 'node:worker_threads'
import type { Batch, Written } from './order.ts'
import { type Begun, begin, finish, giveUp } from './steps.ts'

/**
 * The thread of `SmallFiles`. Calls that only touch memory are made one after the other; the flushes are all asked for
 * at once, so that one commit of the file system's journal can serve many.
 */
parentPort?.on('message', async (batch: Batch) => {
  const written: Written = { batchId: batch.batchId, etags: await write(batch) }
  parentPort?.postMessage(written)
})

async function write({ orders, bytes }: Batch): Promise<(string | undefined)[]> {
  let offset = 0
  const begun = orders.map((order) => {
    const body = bytes.subarray(offset, offset + order.facts.size)
    offset += order.facts.size
    return begin(order, body)
  })
  const flushed = await Promise.all(begun.map(async (file) => file !== undefined && (await flush(file))))
  return begun.map((file, at) => {
    if (file === undefined) return undefined
    return flushed[at] ? finish(file) : giveUp(file)
  })
}

const flushFile = promisify(fsync)

async function flush({ descriptor }: Begun): Promise<boolean> {
  try {
    await flushFile(descriptor)
    return true
  } catch {
    // The file is made again in the ordinary way, which says what is wrong.
    return false
  }
}
