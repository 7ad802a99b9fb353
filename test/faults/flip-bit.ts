import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { System } from '../support/system.ts'
import type { Place } from './place-of.ts'

/** As a disk does that forgets: the file keeps its size, and a bit of it is another. */
export async function flipBit({ spoolDirectory }: System, { pack, offset }: Place): Promise<void> {
  await using file = await open(join(spoolDirectory, 'packs', pack), 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset)
  buffer.writeUInt8(buffer.readUInt8() ^ 1)
  await file.write(buffer, 0, 1, offset)
}
