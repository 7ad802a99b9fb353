import { Worker } from 'node:worker_threads'
import type { Batch, Order, Written } from './order.ts'

interface Waiting {
  readonly order: Order
  readonly body: Buffer
  readonly resolve: (etag: string | undefined) => void
}

/**
 * Writes small files in a thread of its own. Each takes nine calls of the file system, most of which cost less than it
 * does to hand them to the thread pool and to be told of their end; and none of them may keep the event loop when a
 * disk hangs. What is asked for within a turn of the loop goes over as one batch.
 */
export class SmallFiles {
  #thread: Worker | undefined
  #waiting: Waiting[] = []
  readonly #underWay = new Map<number, readonly Waiting[]>()
  #batches = 0

  /** The ETag of the file, which is flushed and proven and has its name; `undefined`: nothing is left, write it otherwise. */
  async write(order: Order, body: Buffer): Promise<string | undefined> {
    return await new Promise((resolve) => {
      this.#waiting.push({ order, body, resolve })
      if (this.#waiting.length === 1) setImmediate(() => this.#send())
    })
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const bytes = new Uint8Array(waiting.reduce((sum, { body }) => sum + body.length, 0))
    let offset = 0
    for (const { body } of waiting) {
      bytes.set(body, offset)
      offset += body.length
    }
    const batch: Batch = { batchId: this.#batches++, orders: waiting.map(({ order }) => order), bytes }
    this.#underWay.set(batch.batchId, waiting)
    const thread = this.#running()
    thread.ref()
    thread.postMessage(batch, [bytes.buffer])
  }

  #running(): Worker {
    if (this.#thread !== undefined) return this.#thread
    const thread = new Worker(new URL('./thread.ts', import.meta.url))
    thread.on('message', ({ batchId, etags }: Written) => this.#end(batchId, etags))
    // What it had is written in the ordinary way, so that this is no more than slow.
    thread.on('error', (error) => process.emitWarning(error))
    thread.on('exit', () => this.#ended(thread))
    this.#thread = thread
    return thread
  }

  /** A thread that ended by itself is followed by another; what it had is written in the ordinary way. */
  #ended(thread: Worker): void {
    if (this.#thread === thread) this.#thread = undefined
    for (const batchId of [...this.#underWay.keys()]) this.#end(batchId, [])
  }

  #end(batchId: number, etags: Written['etags']): void {
    const waiting = this.#underWay.get(batchId) ?? []
    this.#underWay.delete(batchId)
    if (this.#underWay.size === 0) this.#thread?.unref()
    for (const [at, { resolve }] of waiting.entries()) resolve(etags[at])
  }
}
