import { type Digests, DigestTaker, type PackWriter } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiLimits } from '../config.ts'

/** A file whose bytes have come. */
export interface ReceivedFile {
  /** As the client named it; the lane makes the path of it. */
  readonly name: string
  /** Of its first byte in the pack. */
  readonly offset: number
  readonly digests: Digests
}

interface OpenFile {
  readonly name: string
  readonly offset: number
  readonly digests: DigestTaker
}

/**
 * Takes the bytes of files one after another: each chunk is digested and handed to the pack at once, without a promise
 * or a copy. Without a pack, files are only digested (a request that was accepted before is compared, not kept).
 */
export class Intake {
  readonly files: ReceivedFile[] = []
  readonly #pack: PackWriter | undefined
  readonly #limits: Pick<ApiLimits, 'files' | 'fileBytes'>
  #open: OpenFile | undefined
  #wait: Promise<unknown> | undefined

  constructor(pack: PackWriter | undefined, limits: Pick<ApiLimits, 'files' | 'fileBytes'>) {
    this.#pack = pack
    this.#limits = limits
  }

  /** Fails with `too_many_files`. */
  begin(name: string): void {
    if (this.files.length >= this.#limits.files) {
      throw new LadingError(
        'too_many_files',
        `file: the limit is ${this.#limits.files} files in one request; send several`,
      )
    }
    this.#open = { name, offset: this.#pack?.position ?? 0, digests: new DigestTaker() }
  }

  /** Fails with `file_too_large`. */
  data(chunk: Buffer): void {
    const { digests, name } = this.#opened()
    if (digests.size + chunk.length > this.#limits.fileBytes) throw tooLarge(name, this.#limits.fileBytes)
    digests.update(chunk)
    const wait = this.#pack?.write(chunk)
    if (wait !== undefined) this.#holdFor(wait)
  }

  end(): void {
    const { name, offset, digests } = this.#opened()
    this.files.push({ name, offset, digests: digests.finish() })
    this.#open = undefined
  }

  /** What the body must wait for before more of it is taken; each promise is handed out once. */
  takeWait(): Promise<unknown> | undefined {
    const wait = this.#wait
    this.#wait = undefined
    return wait
  }

  #holdFor(wait: Promise<void>): void {
    this.#wait = this.#wait === undefined || this.#wait === wait ? wait : Promise.all([this.#wait, wait])
    // Should the body be refused before anybody waits, a write that fails besides must not end the process.
    this.#wait.catch(() => undefined)
  }

  #opened(): OpenFile {
    if (this.#open === undefined) throw new Error('Intake: no file is open')
    return this.#open
  }
}

export function tooLarge(name: string, limit: number): LadingError {
  return new LadingError(
    'file_too_large',
    `${JSON.stringify(name.slice(0, 80))}: the limit is ${limit} bytes a file`,
  )
}
