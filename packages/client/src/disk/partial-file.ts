import { appendFile, type FileHandle, readFile, rm, stat } from 'node:fs/promises'
import { giveName, openPart, writeAt } from './part.ts'

const RANGE_BYTES = 16 * 1024 * 1024

/** The bytes from `start` up to `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * A file that is filled range by range, in any order. Which of them are whole is in a list beside it, which outlives the
 * process. Whoever opens it closes it.
 */
export class PartialFile {
  readonly missing: readonly Range[]
  readonly #path: string
  readonly #file: FileHandle

  private constructor(path: string, file: FileHandle, missing: readonly Range[]) {
    this.#path = path
    this.#file = file
    this.missing = missing
  }

  /** `path` says of which bytes it is: what was begun under it is gone on with. `mode` is that of a new one. */
  static async open(path: string, size: number, mode: number | undefined): Promise<PartialFile> {
    const whole = await wholeRanges(path, size)
    const isNew = whole.size === 0
    if (isNew) await rm(listOf(path), { force: true })
    const file = await openPart(path, mode)
    await file.truncate(size)
    const missing = rangesOf(size).filter(({ start }) => !whole.has(start))
    return new PartialFile(path, file, missing)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await writeAt(this.#file, bytes, position)
  }

  /** All bytes of it are written. */
  async done({ start }: Range): Promise<void> {
    await appendFile(listOf(this.#path), `${start}\n`)
  }

  /** Gives it its name, at one instant. */
  async keep(
    target: string,
    artifact: { readonly size: number; readonly mode?: number | undefined },
  ): Promise<void> {
    await giveName(this.#path, target, artifact)
    await rm(listOf(this.#path), { force: true })
  }

  async drop(): Promise<void> {
    await rm(listOf(this.#path), { force: true })
    await rm(this.#path)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function listOf(path: string): string {
  return `${path}-ranges`
}

/** Where they start. None, where the file is not there with its size. */
async function wholeRanges(path: string, size: number): Promise<ReadonlySet<number>> {
  try {
    if ((await stat(path)).size !== size) return new Set()
    // A last line that has no end was being written when the process was killed.
    const lines = (await readFile(listOf(path), 'utf8')).split('\n').slice(0, -1)
    return new Set(lines.map(Number))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Set()
    throw error
  }
}

function rangesOf(size: number): Range[] {
  const count = Math.ceil(size / RANGE_BYTES)
  return Array.from({ length: count }, (_, index) => {
    const start = index * RANGE_BYTES
    return { start, end: Math.min(start + RANGE_BYTES, size) }
  })
}
