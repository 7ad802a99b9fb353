import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Crc32, crc32Of, type ObjectRef, type PartReceipt } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified, isAbsent } from './errors.ts'
import { findUpload, gone } from './uploads.ts'

export interface Part {
  readonly partNumber: number
  readonly body: Buffer
  readonly crc32: Crc32
}

/** A part at rest: what `listParts` tells, and where it lies. */
export interface PartFile extends PartReceipt {
  readonly crc32: Crc32
  readonly path: string
}

/**
 * Each part is a file of its own, named by what it must hold. Where it belongs in the object is not known while it
 * arrives, because the port does not say how large the other parts are. It is not flushed to the disk: `complete` reads
 * every part and drops one that is not what its name says.
 */
export async function uploadPart(
  store: DirectoryContext,
  ref: ObjectRef,
  uploadId: string,
  { partNumber, body, crc32 }: Part,
  signal: AbortSignal,
): Promise<PartReceipt> {
  if (crc32Of(body) !== crc32)
    throw new LadingError(
      'store_checksum_mismatch',
      `Part ${partNumber} of ${ref.bucket}/${ref.key} is not the part that was accepted: its CRC-32 differs.`,
    )
  return await classified(`Writing part ${partNumber} of ${ref.bucket}/${ref.key}`, async () => {
    const directory = await findUpload(store, ref, uploadId)
    const temporary = join(store.layout.tmp, randomUUID())
    try {
      await writeFile(temporary, body, { signal, flag: 'wx' })
      const name = nameOf(partNumber, crc32, body.length)
      await store.locks.hold(`${directory}#${partNumber}`, () =>
        place(temporary, directory, name, ref, uploadId),
      )
      return { partNumber, etag: `"${name}"`, size: body.length, crc32 }
    } catch (error) {
      throw signal.aborted ? signal.reason : error
    } finally {
      await rm(temporary, { force: true })
    }
  })
}

/** The parts at rest, by number. */
export async function partsOf(directory: string): Promise<PartFile[]> {
  const parts: PartFile[] = []
  for (const name of await readdir(directory)) {
    const part = partOf(directory, name)
    if (part !== undefined) parts.push(part)
  }
  return parts.sort((a, b) => a.partNumber - b.partNumber)
}

async function place(
  temporary: string,
  directory: string,
  name: string,
  ref: ObjectRef,
  uploadId: string,
): Promise<void> {
  try {
    await rename(temporary, join(directory, name))
    const number = `${Number.parseInt(name, 10)}-`
    for (const other of await readdir(directory))
      if (other.startsWith(number) && other !== name) await rm(join(directory, other), { force: true })
  } catch (error) {
    throw isAbsent(error) ? gone(ref, uploadId) : error
  }
}

function nameOf(partNumber: number, crc32: Crc32, size: number): string {
  return `${partNumber}-${crc32.toString(16).padStart(8, '0')}-${size}`
}

function partOf(directory: string, name: string): PartFile | undefined {
  const [, number, crc, size] = /^(\d+)-([0-9a-f]{8})-(\d+)$/.exec(name) ?? []
  if (number === undefined || crc === undefined || size === undefined) return undefined
  return {
    partNumber: Number(number),
    etag: `"${name}"`,
    size: Number(size),
    crc32: Number.parseInt(crc, 16) as Crc32,
    path: join(directory, name),
  }
}
