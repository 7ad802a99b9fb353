import { createInflateRaw, inflateRawSync } from 'node:zlib'
import { quotedName, type ZipEntry } from '@lading/archive'
import { LadingError } from '@lading/protocol'
import { INFLATION_OPTIONS, Inflation } from './inflation.ts'
import type { Intake } from './intake.ts'
import type { ZipBytes } from './zip-bytes.ts'

/** Bytes, in the archive and unpacked, up to which an entry is inflated in one call: well below a millisecond of it. */
const SMALL_BYTES = 128 * 1024

/**
 * Takes the bytes of the file that the intake has open out of the archive, and holds them to what the archive says of
 * them. Fails with `archive_malformed`, which names the entry.
 */
export async function takeZipEntry(entry: ZipEntry, bytes: ZipBytes, intake: Intake): Promise<void> {
  if (Math.max(entry.compressedSize, entry.size) <= SMALL_BYTES) await takeSmall(entry, bytes, intake)
  else if (entry.method === 'stored') await takeStored(entry, bytes, intake)
  else await takeDeflated(entry, bytes, intake)
  const { size, crc32 } = intake.end()
  if (size !== entry.size) throw malformed(entry, `has ${size} bytes; the archive says ${entry.size}`)
  if (crc32 !== entry.crc32)
    throw malformed(entry, 'has other bytes than the archive says: its CRC-32 differs')
}

async function takeSmall(entry: ZipEntry, bytes: ZipBytes, intake: Intake): Promise<void> {
  const held = await bytes.small(entry.offset, entry.compressedSize)
  intake.data(entry.method === 'stored' ? Buffer.from(held) : inflated(entry, held))
  await intake.takeWait()
}

/** zlib gives no more than it is asked for: an entry cannot be larger than it says. */
function inflated(entry: ZipEntry, held: Buffer): Buffer {
  const room = entry.size + 1
  try {
    const options = { info: true, chunkSize: Math.max(64, room), maxOutputLength: room } as const
    // The types of Node do not know what `info` makes of the answer.
    const { buffer, engine } = inflateRawSync(held, options) as unknown as Inflated
    if (engine.bytesWritten !== held.length) throw malformed(entry, 'ends before its bytes do')
    return buffer
  } catch (cause) {
    if (cause instanceof LadingError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw larger(entry)
    throw malformed(entry, `cannot be inflated: ${(cause as Error).message}`, cause)
  }
}

interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

async function takeStored(entry: ZipEntry, bytes: ZipBytes, intake: Intake): Promise<void> {
  for await (const chunk of bytes.large(entry.offset, entry.compressedSize)) {
    intake.data(chunk)
    await intake.takeWait()
  }
}

async function takeDeflated(entry: ZipEntry, bytes: ZipBytes, intake: Intake): Promise<void> {
  let size = 0
  const faults = { what: `the entry ${quotedName(entry.path)}`, cut: 'archive_malformed' } as const
  await using inflation = new Inflation(createInflateRaw(INFLATION_OPTIONS), faults, (chunk) => {
    size += chunk.length
    if (size > entry.size) throw larger(entry)
    intake.data(chunk)
    return intake.takeWait()
  })
  for await (const chunk of bytes.large(entry.offset, entry.compressedSize)) await inflation.write(chunk)
  await inflation.end()
}

function larger(entry: ZipEntry): LadingError {
  return malformed(entry, `has more bytes than the ${entry.size} that the archive says`)
}

function malformed({ path }: ZipEntry, fault: string, cause?: unknown): LadingError {
  return new LadingError('archive_malformed', `the entry ${quotedName(path)} ${fault}`, { cause })
}
