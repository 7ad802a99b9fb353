import { type FileHandle, open, stat } from 'node:fs/promises'
import { LadingError } from '../errors.ts'
import type { Source } from '../source.ts'
import { settled } from './settled.ts'

/** Bytes that are read at once; a `Blob` of Node takes 64 KiB, and three times as long. */
const CHUNK_BYTES = 1024 * 1024

/**
 * A file of the disk, to be logged; its bytes are read when they are sent, and one that was written to meanwhile fails
 * with `file_changed`. Fails with `not_a_file`, and as `stat` does.
 */
export async function fileAt(path: string): Promise<Source> {
  const stats = await stat(path, { bigint: true })
  if (!stats.isFile())
    throw new LadingError('not_a_file', `${path}: it is no file; filesIn is for directories`)
  await settled(stats.mtimeNs)
  return new FileOnDisk(path, stats, 0, Number(stats.size))
}

/** What is another when a file was written to, or replaced. */
interface Stamp {
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
}

class FileOnDisk implements Source {
  readonly #path: string
  readonly #stamp: Stamp
  readonly #start: number
  readonly size: number

  constructor(path: string, stamp: Stamp, start: number, size: number) {
    this.#path = path
    this.#stamp = stamp
    this.#start = start
    this.size = size
  }

  get version(): string {
    const { ino, size, mtimeNs } = this.#stamp
    return `${ino} ${size} ${mtimeNs}`
  }

  slice(start: number, end: number): Source {
    const size = Math.max(0, Math.min(end, this.size) - start)
    return new FileOnDisk(this.#path, this.#stamp, this.#start + start, size)
  }

  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const chunks = this.#chunks()
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return(undefined)
      },
    })
  }

  /** The last one is given after a look at the file, so that no mix of two versions is ever whole. */
  async *#chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
    const file = await open(this.#path)
    try {
      for (let at = 0; at < this.size; at += CHUNK_BYTES) {
        const chunk = new Uint8Array(Math.min(CHUNK_BYTES, this.size - at))
        await this.#fill(file, chunk, this.#start + at)
        if (at + chunk.length === this.size) await this.#check(file)
        yield chunk
      }
    } finally {
      await file.close()
    }
  }

  async #fill(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
    for (let filled = 0; filled < chunk.length; ) {
      const { bytesRead } = await file.read(chunk, filled, chunk.length - filled, position + filled)
      if (bytesRead === 0) throw this.#changed()
      filled += bytesRead
    }
  }

  async #check(file: FileHandle): Promise<void> {
    const { ino, size, mtimeNs } = await file.stat({ bigint: true })
    const { ino: inoBefore, size: sizeBefore, mtimeNs: before } = this.#stamp
    if (ino !== inoBefore || size !== sizeBefore || mtimeNs !== before) throw this.#changed()
  }

  #changed(): LadingError {
    return new LadingError(
      'file_changed',
      `${this.#path}: it was written to before it was sent; log it again`,
    )
  }
}
