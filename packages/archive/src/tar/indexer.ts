import { LadingError } from '@lading/protocol'
import type { ArchiveEntry } from '../entry.ts'
import { decodeName, entryPath } from '../entry-name.ts'
import { EntryRef, quotedName } from '../entry-ref.ts'
import { type ArchiveLimits, EXTENSION_BYTES } from '../limits.ts'
import { isTimeInRange } from '../mtime.ts'
import { ByteCollector } from './byte-collector.ts'
import { isZeroBlock } from './checksum.ts'
import { EndOfArchive } from './end-of-archive.ts'
import { type Extension, kindOf } from './entry-types.ts'
import { Extensions } from './extensions.ts'
import { decodeHeader, type TarHeader } from './header.ts'
import { BLOCK, paddingOf } from './layout.ts'

export interface TarEntry extends ArchiveEntry {
  /** Permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number
  /** Where in the archive its first byte stands. The file is the slice of `size` bytes from there on. */
  readonly offset: number
}

/** Is told of each entry, in order, within the call of `write` that brings the bytes. */
export interface TarHandler {
  /** An entry's header has been read. Throw to refuse. */
  entryBegin(entry: TarEntry): void
  /** Some of its bytes: a slice of the chunk that was written, valid for as long as that is. Never empty. */
  entryData(chunk: Buffer): void
  /** All its bytes have come. */
  entryEnd(): void
}

/**
 * Indexes a tar while it streams by: each file is a slice of the archive, and nothing is unpacked. Understands ustar and
 * pax (POSIX.1-2017, pax), GNU tar's long names and base-256 numbers, and Unix V7.
 *
 * What is not a file or a directory it refuses, and with it the whole archive; what it does not understand, too. It is
 * written to with chunks of any size, holds no stream and no promise, copies only a header that lies over a chunk's
 * edge, and keeps no more than one entry's headers (at most 2 MiB). The root (`./`) is passed over. What fills up the last
 * block of a file is not looked at. After an error, its own or the handler's, every call throws that error again.
 */
export class TarIndexer {
  readonly #handler: TarHandler
  readonly #limits: ArchiveLimits
  readonly #block = new ByteCollector()
  readonly #extension = new ByteCollector()
  readonly #extensions = new Extensions()
  readonly #end = new EndOfArchive()
  #state: 'header' | 'extension' | 'data' | 'skip' | 'end' = 'header'
  #extensionKind: Extension = 'pax'
  /** Bytes of the archive before the present chunk. */
  #base = 0
  /** Bytes that the present state still has to take. */
  #remaining = 0
  /** Bytes after the data up to the next block. */
  #padding = 0
  #entry: EntryRef = new EntryRef(1)
  #bytes = 0
  #entries = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined

  constructor(handler: TarHandler, limits: ArchiveLimits) {
    this.#handler = handler
    this.#limits = limits
    this.#block.begin(BLOCK)
  }

  /**
   * Takes the next bytes of the archive.
   *
   * @throws LadingError `archive_malformed`, `archive_entry_refused`, `archive_too_large`; and whatever the handler throws.
   */
  write(chunk: Buffer): void {
    this.#guard(() => {
      if (this.#ended) throw new Error('TarIndexer: write after end')
      for (let at = 0; at !== -1 && at < chunk.length; ) at = this.#step(chunk, at)
      this.#base += chunk.length
    })
  }

  /**
   * Says that the archive has ended; may be called again.
   *
   * @throws LadingError `archive_incomplete` if that is before the two blocks of zeros that mark its end.
   */
  end(): void {
    this.#guard(() => {
      if (!this.#ended) this.#checkComplete()
      this.#ended = true
    })
  }

  #guard(step: () => void): void {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      step()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  /** Takes bytes from `at` on by the present state; returns where the next state begins, or -1 if the chunk is used up. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case 'header':
        return this.#stepHeader(chunk, at)
      case 'extension':
        return this.#stepExtension(chunk, at)
      case 'data':
        return this.#stepData(chunk, at)
      case 'skip':
        return this.#stepSkip(chunk, at)
      case 'end':
        this.#end.read(chunk, at, this.#base + at)
        return -1
    }
  }

  #stepHeader(chunk: Buffer, at: number): number {
    const next = this.#block.read(chunk, at)
    if (next === -1) return -1
    const block = this.#block.bytes
    if (block[0] === 0 && isZeroBlock(block)) this.#beginEnd(block)
    else this.#takeHeader(decodeHeader(block, this.#entry), this.#base + next)
    return next
  }

  #beginEnd(block: Buffer): void {
    if (this.#extensions.isPending)
      this.#entry.refuse('has an extended header, and the archive ends after it')
    this.#state = 'end'
    this.#end.read(block, 0, 0)
  }

  #takeHeader(header: TarHeader, offset: number): void {
    const kind = kindOf(header.type)
    if (typeof kind === 'object') this.#refuseType(header, kind.refused)
    if (kind === 'file' || kind === 'directory') this.#beginEntry(kind, header, offset)
    else this.#beginExtension(kind, header.size)
  }

  /** By the name that it would have had. */
  #refuseType(header: TarHeader, fault: string): never {
    this.#entry.name = decodeName(this.#extensions.apply(header, this.#entry).name, this.#entry)
    this.#entry.refuse(fault, 'archive_entry_refused')
  }

  #beginExtension(kind: Extension, size: number): void {
    if (size > EXTENSION_BYTES) {
      const fault = `has an extended header of ${size} bytes; the limit is ${EXTENSION_BYTES}`
      this.#entry.refuse(fault, 'archive_too_large')
    }
    this.#extensionKind = kind
    this.#extension.begin(size)
    this.#padding = paddingOf(size)
    this.#state = 'extension'
  }

  #stepExtension(chunk: Buffer, at: number): number {
    const next = this.#extension.read(chunk, at)
    if (next === -1) return -1
    this.#extensions.take(this.#extensionKind, this.#extension.bytes, this.#entry)
    this.#beginSkip()
    return next
  }

  #beginEntry(flag: 'file' | 'directory', header: TarHeader, offset: number): void {
    const { name, size, mtimeMs } = this.#extensions.apply(header, this.#entry)
    const text = decodeName(name, this.#entry)
    this.#entry.name = text
    // Before POSIX, and in archives of BSD, only the slash tells a directory.
    const type = text.endsWith('/') ? 'directory' : flag
    const path = entryPath(text, type === 'directory')
    if (type === 'directory' && size > 0) this.#entry.refuse(`is a directory, with ${size} bytes of its own`)
    if (!isTimeInRange(mtimeMs)) this.#entry.refuse('was modified outside of the years 1 to 9999')
    this.#padding = paddingOf(size)
    this.#remaining = size
    this.#state = 'data'
    if (path !== '') this.#announce({ path, type, size, mode: header.mode, mtimeMs, offset })
    else if (type === 'file' || text === '') this.#entry.refuse('has no name')
    if (size === 0) this.#finishEntry(path !== '')
  }

  #announce(entry: TarEntry): void {
    this.#entries++
    this.#bytes += entry.size
    const { entries, bytes } = this.#limits
    if (this.#entries > entries) {
      throw new LadingError('archive_too_large', `The tar has more than ${entries} entries; send it in parts`)
    }
    if (this.#bytes > bytes) {
      this.#entry.refuse(
        `brings the files to ${this.#bytes} bytes; the limit is ${bytes}`,
        'archive_too_large',
      )
    }
    this.#handler.entryBegin(entry)
  }

  #stepData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining)
    this.#handler.entryData(chunk.subarray(at, end))
    this.#remaining -= end - at
    if (this.#remaining === 0) this.#finishEntry(true)
    return end
  }

  #finishEntry(announced: boolean): void {
    if (announced) this.#handler.entryEnd()
    this.#entry = new EntryRef(this.#entry.index + 1)
    this.#beginSkip()
  }

  #beginSkip(): void {
    this.#remaining = this.#padding
    this.#state = 'skip'
    if (this.#remaining === 0) this.#beginHeader()
  }

  #stepSkip(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#remaining)
    this.#remaining -= end - at
    if (this.#remaining === 0) this.#beginHeader()
    return end
  }

  #beginHeader(): void {
    this.#block.begin(BLOCK)
    this.#state = 'header'
  }

  #checkComplete(): void {
    if (this.#state === 'end' && this.#end.isComplete) return
    const { name, index } = this.#entry
    const where =
      this.#state === 'data' && name !== undefined
        ? `${this.#remaining} bytes before the end of ${quotedName(name)}`
        : `after ${index - 1} ${index === 2 ? 'entry' : 'entries'}`
    const fault = 'without the two blocks of zeros that end an archive'
    throw new LadingError('archive_incomplete', `The tar ended at byte ${this.#base}, ${where}, ${fault}`)
  }
}
