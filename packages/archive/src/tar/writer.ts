import type { ArchiveWriter, OutgoingEntry } from '../entry.ts'
import { OpenEntry } from '../open-entry.ts'
import { encodeHeader, fitsOctal } from './header-block.ts'
import { headerName } from './header-name.ts'
import { BLOCK, paddingOf } from './layout.ts'
import { encodePaxRecords } from './pax-records.ts'

/**
 * Writes a tar around bytes that it does not see: ustar, with a pax header before an entry only where its name, size or
 * time needs one (POSIX.1-2017, pax). Times are cut to seconds. It keeps nothing from one entry to the next.
 */
export class TarWriter implements ArchiveWriter {
  readonly #open = new OpenEntry()

  header(entry: OutgoingEntry): Buffer {
    this.#open.begin(entry)
    const path = entry.type === 'directory' ? `${entry.path}/` : entry.path
    const seconds = Math.floor(entry.mtimeMs / 1000)
    const name = headerName(path)
    const records = {
      ...(name === undefined && { path }),
      ...(!fitsOctal(entry.size) && { size: String(entry.size) }),
      ...(!fitsOctal(seconds) && { mtime: String(seconds) }),
    }
    const block = encodeHeader({
      type: entry.type === 'directory' ? '5' : '0',
      ...(name ?? STAND_IN),
      size: fitsOctal(entry.size) ? entry.size : 0,
      mode: entry.mode & 0o7777,
      mtime: fitsOctal(seconds) ? seconds : 0,
    })
    return Object.keys(records).length === 0 ? block : Buffer.concat([...paxHeader(records), block])
  }

  padding(size: number): Buffer {
    this.#open.end(size)
    return ZEROS.subarray(0, paddingOf(size))
  }

  trailer(): Iterable<Buffer> {
    this.#open.close()
    return [ZEROS]
  }
}

/** The two blocks that end an archive. */
const ZEROS = Buffer.alloc(2 * BLOCK)

/** What a reader without pax calls an entry whose name only pax can tell. */
const STAND_IN = { name: Buffer.from('pax-name-needed'), prefix: Buffer.alloc(0) }

function paxHeader(records: Readonly<Record<string, string>>): Buffer[] {
  const data = encodePaxRecords(records)
  const fields = { type: 'x', prefix: Buffer.alloc(0), size: data.length, mode: 0o644, mtime: 0 } as const
  const block = encodeHeader({ ...fields, name: Buffer.from('PaxHeaders/entry') })
  return [block, data, ZEROS.subarray(0, paddingOf(data.length))]
}
