/** What goes into a tar: a file with its bytes, or an empty directory, whose path ends in a slash. */
export interface TarEntry {
  readonly path: string
  readonly bytes: Uint8Array
  readonly mode: number
  readonly modifiedAt: Date
}

/** A tar, and the files in it, whose bytes lie there. */
export interface Tar {
  readonly bytes: Uint8Array
  readonly entries: readonly TarEntry[]
}

/**
 * A tar of files in memory: ustar, with a pax header before an entry whose name needs it (POSIX.1-2017, pax). The bytes
 * of the files are copied into it, and those that were given can be forgotten.
 */
export function tarOf(given: readonly TarEntry[]): Tar {
  const headers = given.map(headersOf)
  const bytes = new Uint8Array(
    given.reduce((size, entry, n) => size + sizeOf(headers[n] ?? [], entry), 2 * BLOCK),
  )
  let at = 0
  const put = (part: Uint8Array) => {
    bytes.set(part, at)
    at += part.length
  }
  const entries = given.map((entry, n) => {
    headers[n]?.forEach(put)
    const start = at
    put(entry.bytes)
    at += paddingOf(entry.bytes)
    return { ...entry, bytes: bytes.subarray(start, start + entry.bytes.length) }
  })
  return { bytes, entries }
}

export function bytesIn(entries: readonly TarEntry[]): number {
  return entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

const BLOCK = 512
const utf8 = new TextEncoder()

function headersOf({ path, bytes, mode, modifiedAt }: TarEntry): Uint8Array[] {
  const type = path.endsWith('/') ? '5' : '0'
  const seconds = Math.min(Math.max(0, Math.floor(modifiedAt.getTime() / 1000)), 8 ** 11 - 1)
  const header = (name: string) => block(name, type, bytes.length, mode, seconds)
  if (/^[\x20-\x7e]{1,100}$/.test(path)) return [header(path)]
  const record = paxRecord('path', path)
  return [
    block('pax', 'x', record.length, 0o644, 0),
    record,
    new Uint8Array(paddingOf(record)),
    header('pax'),
  ]
}

/** `length keyword=value\n`, whose length counts its own digits. */
function paxRecord(keyword: string, value: string): Uint8Array {
  const rest = utf8.encode(` ${keyword}=${value}\n`).length
  let length = rest
  while (length !== rest + String(length).length) length = rest + String(length).length
  return utf8.encode(`${length} ${keyword}=${value}\n`)
}

function block(name: string, type: string, size: number, mode: number, mtime: number): Uint8Array {
  const header = new Uint8Array(BLOCK)
  const put = (at: number, text: string) => header.set(utf8.encode(text), at)
  put(0, name)
  put(100, octal(mode & 0o7777, 7))
  put(108, octal(0, 7))
  put(116, octal(0, 7))
  put(124, octal(size, 11))
  put(136, octal(mtime, 11))
  put(148, ' '.repeat(8))
  put(156, type)
  put(257, 'ustar\x0000')
  const sum = header.reduce((before, byte) => before + byte, 0)
  put(148, `${octal(sum, 6)}\0 `)
  return header
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

/** How many bytes fill up the last block. */
function paddingOf(bytes: Uint8Array): number {
  return -bytes.length & (BLOCK - 1)
}

function sizeOf(headers: readonly Uint8Array[], { bytes }: TarEntry): number {
  return headers.reduce((size, { length }) => size + length, bytes.length + paddingOf(bytes))
}
