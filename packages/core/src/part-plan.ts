import { BLOCK_SIZE, type Crc32, crcOfBlocks } from './digest.ts'

export interface PlannedPart {
  /** From 1. */
  readonly partNumber: number
  /** Offset in the file, bytes. */
  readonly offset: number
  /** Bytes. */
  readonly size: number
  readonly crc32: Crc32
}

/**
 * The size of a file's parts, in bytes: the smallest whole number of blocks with which the file fits in `maxParts`, so
 * that the CRC-32 of every part is known from those of the blocks. 8 MiB up to 78 GiB, then more.
 */
export function partSizeFor(fileSize: number, maxParts: number): number {
  const blocks = Math.max(1, Math.ceil(fileSize / BLOCK_SIZE))
  return Math.ceil(blocks / maxParts) * BLOCK_SIZE
}

/** A file's parts, in order. A file that was resumed keeps the part size it began with. */
export function* planParts(
  file: { size: number; blockCrcs: Buffer },
  partSize: number,
): Generator<PlannedPart, void, void> {
  const blocksPerPart = partSize / BLOCK_SIZE
  const blocks = file.blockCrcs.length / 4
  for (let index = 0; index * partSize < file.size; index++) {
    const from = index * blocksPerPart
    const to = Math.min(blocks, from + blocksPerPart)
    yield {
      partNumber: index + 1,
      offset: index * partSize,
      size: Math.min(partSize, file.size - index * partSize),
      crc32: crcOfBlocks(file.blockCrcs, file.size, from, to),
    }
  }
}
