import type { EntryRef } from '../entry-ref.ts'
import type { Extension } from './entry-types.ts'
import type { TarHeader } from './header.ts'
import { type PaxAttributes, readPaxRecords } from './pax.ts'

/** What the headers before an entry's own say of it, and what global ones say of all that follow. */
export class Extensions {
  #global: PaxAttributes = {}
  #pax: PaxAttributes | undefined
  #longName: Buffer | undefined
  #longLink = false

  /** Whether an entry must follow. */
  get isPending(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink
  }

  /** @throws LadingError `archive_malformed`, `archive_entry_refused`. */
  take(kind: Extension, bytes: Buffer, entry: EntryRef): void {
    switch (kind) {
      case 'global':
        // "After the global header, the next block is the header of another entry": it stands between entries.
        if (this.isPending) entry.refuse('has a global pax header between its own headers')
        this.#global = { ...this.#global, ...readPaxRecords(bytes, entry) }
        return
      case 'pax':
        if (this.#pax !== undefined) entry.refuse('has two pax headers')
        this.#pax = readPaxRecords(bytes, entry)
        return
      case 'longName':
        if (this.#longName !== undefined) entry.refuse('has two GNU long names')
        this.#longName = longName(bytes, entry)
        return
      case 'longLink':
        // The link itself is refused by its type, when its own header comes.
        this.#longLink = true
    }
  }

  /** The header as it is meant; what was said of this one entry is used up. */
  apply(header: TarHeader, entry: EntryRef): { name: Buffer; size: number; mtimeMs: number } {
    const pax = { ...this.#global, ...this.#pax }
    if (this.#longName !== undefined && this.#pax?.path !== undefined) {
      entry.refuse('has two names, a GNU long name and a pax path')
    }
    const name = this.#pax?.path ?? this.#longName ?? pax.path ?? header.name
    this.#pax = undefined
    this.#longName = undefined
    this.#longLink = false
    return { name, size: pax.size ?? header.size, mtimeMs: pax.mtimeMs ?? header.mtime * 1000 }
  }
}

/** GNU tar ends it with NUL and counts that. */
function longName(bytes: Buffer, entry: EntryRef): Buffer {
  const end = bytes.indexOf(0)
  const name = end === -1 ? bytes : bytes.subarray(0, end)
  const rest = bytes.subarray(name.length)
  if (name.length === 0 || rest.some((byte) => byte !== 0)) entry.refuse('has a malformed GNU long name')
  return Buffer.from(name)
}
