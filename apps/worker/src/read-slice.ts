import { createHash } from 'node:crypto'
import type { DeliverableFile } from '@lading/catalog'
import { type Crc32, crc32Of, type PackReader } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Reads a whole file from its pack into `target`, and checks that it is what was accepted. Fails with `spool_damaged`. */
export async function readFile(pack: PackReader, file: DeliverableFile, target: Buffer): Promise<void> {
  await pack.read(target, file.packOffset)
  if (createHash('sha256').update(target).digest('hex') !== file.sha256) throw damaged(file, 0)
}

/** Reads a part of a file from its pack into `target`, and checks its CRC-32. Fails with `spool_damaged`. */
export async function readPart(
  pack: PackReader,
  file: DeliverableFile,
  part: { offset: number; crc32: Crc32 },
  target: Buffer,
): Promise<void> {
  await pack.read(target, file.packOffset + part.offset)
  if (crc32Of(target) !== part.crc32) throw damaged(file, part.offset)
}

function damaged(file: DeliverableFile, offset: number): LadingError {
  return new LadingError(
    'spool_damaged',
    `pack ${file.packId} no longer holds the bytes of ${JSON.stringify(file.path)} that were accepted (from byte ${offset}); upload the file again`,
  )
}
