import type { Content } from '../support/system-content.ts'

export interface TarEntry {
  /** At most 100 bytes; a directory's ends in a slash. */
  readonly path: string
  readonly content: Content
}

const BLOCK = 512

/** An archive as POSIX.1-1988 has it (ustar), made as it is read. */
export function* tarOf(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const { path, content } of entries) {
    yield headerOf(path, content.size)
    yield* content.chunks()
    yield Buffer.alloc((BLOCK - (content.size % BLOCK)) % BLOCK)
  }
  yield Buffer.alloc(2 * BLOCK)
}

function headerOf(path: string, size: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
  header.write(path, 0)
  octal(path.endsWith('/') ? 0o755 : 0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(1_700_000_000, 136, 12)
  header.write(path.endsWith('/') ? '5' : '0', 156)
  header.write('ustar\x0000', 257)
  header.write('        ', 148)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return header
}
