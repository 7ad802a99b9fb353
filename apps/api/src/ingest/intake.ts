import { type ArtifactPath, type Digests, DigestTaker, type PackWriter } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Arrivals } from './arrivals.ts'
import type { PlacedFile } from './lane.ts'
import type { Room } from './room.ts'

/** What an archive knows of an entry besides its path and bytes. */
export type EntryFacts = Pick<PlacedFile, 'mode' | 'mtime'>

const EMPTY: Digests = new DigestTaker().finish()

const NO_FACTS: EntryFacts = { mode: undefined, mtime: undefined }

export interface IntakeLimits {
  readonly files: number
  /** Bytes. */
  readonly fileBytes: number
  /** What the tenant's quota leaves. */
  readonly room?: Room | undefined
}

interface OpenFile extends EntryFacts {
  readonly path: ArtifactPath
  readonly packOffset: number
  readonly digests: DigestTaker
}

/**
 * Takes the bytes of files one after another: each chunk is digested and handed to the pack at once, without a promise
 * or a copy. What lies between files (an archive's own headers) is kept without being digested. Without a pack, files
 * are only digested (a request that was accepted before is compared, not kept).
 */
export class Intake {
  readonly arrivals: Arrivals
  readonly #pack: PackWriter | undefined
  readonly #limits: IntakeLimits
  #open: OpenFile | undefined
  #wait: Promise<unknown> | undefined

  constructor(pack: PackWriter | undefined, arrivals: Arrivals, limits: IntakeLimits) {
    this.#pack = pack
    this.arrivals = arrivals
    this.#limits = limits
  }

  /** `packOffset` is where its first byte will stand in the pack. Fails with `too_many_files`. */
  begin(path: ArtifactPath, facts = NO_FACTS, packOffset = this.#pack?.position ?? 0): void {
    this.#checkCount()
    this.#open = { path, packOffset, mode: facts.mode, mtime: facts.mtime, digests: new DigestTaker() }
  }

  /** Fails with `file_too_large`. */
  data(chunk: Buffer): void {
    this.digest(chunk)
    this.keep(chunk)
  }

  /** Some of the open file's bytes, which are kept separately. Fails with `file_too_large`, `quota_exceeded`. */
  digest(chunk: Buffer): void {
    const { digests, path } = this.#opened()
    if (digests.size + chunk.length > this.#limits.fileBytes) throw tooLarge(path, this.#limits.fileBytes)
    this.#limits.room?.take(chunk.length)
    digests.update(chunk)
  }

  /** The next bytes of the pack. */
  keep(chunk: Buffer): void {
    const wait = this.#pack?.write(chunk)
    if (wait !== undefined) this.#holdFor(wait)
  }

  end(): PlacedFile {
    const { path, packOffset, mode, mtime, digests } = this.#opened()
    const { size, sha256, crc32, blockCrcs } = digests.finish()
    const file: PlacedFile = {
      path,
      type: 'file',
      mode,
      mtime,
      size,
      sha256,
      crc32,
      blockCrcs,
      packOffset,
    }
    this.#open = undefined
    this.#arrived(file)
    return file
  }

  /** Fails with `too_many_files`. */
  directory(path: ArtifactPath, { mode, mtime }: EntryFacts): void {
    this.#checkCount()
    this.#arrived({ path, type: 'directory', mode, mtime, ...EMPTY, packOffset: 0 })
  }

  /** What the body must wait for before more of it is taken; each promise is handed out once. */
  takeWait(): Promise<unknown> | undefined {
    const wait = this.#wait
    this.#wait = undefined
    return wait
  }

  #arrived(file: PlacedFile): void {
    const wait = this.arrivals.add(file)
    if (wait !== undefined) this.#holdFor(wait)
  }

  #checkCount(): void {
    if (this.arrivals.count < this.#limits.files) return
    throw new LadingError(
      'too_many_files',
      `file: the limit is ${this.#limits.files} files in one request; send several`,
    )
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
