/** What goes into a tar: a file with its bytes, or an empty directory, whose path ends in a slash. */
export interface TarEntry {
  readonly path: string
  readonly bytes: Uint8Array
  readonly mode: number
  readonly modifiedAt: Date
}

/** A tar of files in memory: ustar, with a pax header before an entry whose name needs it (POSIX.1-2017, pax). */
export function tarOf(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => [...headersOf(entry), entry.bytes, paddingOf(entry.bytes)])
  return joined([...blocks, new Uint8Array(2 * BLOCK)])
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
  return [block('pax', 'x', record.length, 0o644, 0), record, paddingOf(record), header('pax')]
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

function paddingOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(-bytes.length & (BLOCK - 1))
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
