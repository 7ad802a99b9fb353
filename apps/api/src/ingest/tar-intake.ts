import { type TarEntry, type TarHandler, TarIndexer } from '@lading/archive'
import type { ArtifactDirectory } from '@lading/core'
import type { ApiLimits } from '../config.ts'
import { placeEntry } from './entry-place.ts'
import type { Intake } from './intake.ts'

/** Takes a tar while it streams by: it goes to the pack as it is, and each file is a slice of it. */
export class TarIntake {
  readonly #intake: Intake
  readonly #indexer: TarIndexer

  /** Entries are placed below `directory`. */
  constructor(intake: Intake, directory: ArtifactDirectory, limits: ApiLimits) {
    this.#intake = intake
    this.#indexer = new TarIndexer(new Entries(intake, directory), {
      entries: limits.entries,
      bytes: limits.archiveBytes,
    })
  }

  /** What it gives is to be waited for. Fails as `TarIndexer.write` and `Intake` do. */
  write(chunk: Buffer): Promise<unknown> | undefined {
    this.#indexer.write(chunk)
    this.#intake.keep(chunk)
    return this.#intake.takeWait()
  }

  /** Fails with `archive_incomplete`. */
  end(): void {
    this.#indexer.end()
  }
}

class Entries implements TarHandler {
  readonly #intake: Intake
  readonly #directory: ArtifactDirectory
  #inFile = false

  constructor(intake: Intake, directory: ArtifactDirectory) {
    this.#intake = intake
    this.#directory = directory
  }

  entryBegin({ path: name, type, mode, mtimeMs, offset }: TarEntry): void {
    const path = placeEntry(this.#directory, name)
    const facts = { mode, mtime: new Date(mtimeMs) }
    this.#inFile = type === 'file'
    if (this.#inFile) this.#intake.begin(path, facts, offset)
    else this.#intake.directory(path, facts)
  }

  entryData(chunk: Buffer): void {
    this.#intake.digest(chunk)
  }

  entryEnd(): void {
    if (this.#inFile) this.#intake.end()
  }
}
