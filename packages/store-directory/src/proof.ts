import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import type { ObjectFacts } from '@lading/core'

const CHUNK = 1024 * 1024

/** Reads a file of `size` bytes and says whether it has these facts. Rejects with the reason of `signal`. */
export async function holdsFacts(
  file: FileHandle,
  size: number | bigint,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<boolean> {
  if (Number(size) !== facts.size) return false
  const sha256 = createHash('sha256')
  let crc = 0
  for await (const chunk of chunksOf(file, facts.size, signal)) {
    sha256.update(chunk)
    crc = crc32(chunk, crc)
  }
  return crc === facts.crc32 && sha256.digest('hex') === facts.sha256
}

/** The bytes of a file from its beginning, in one buffer that is used again: take what you need of it at once. */
export async function* chunksOf(file: FileHandle, size: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size))
  for (let at = 0; at < size; ) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at)
    // Shorter than a moment ago: whoever compares digests will notice.
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}
