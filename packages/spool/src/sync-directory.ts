import { open } from 'node:fs/promises'

/** Makes the names in a directory durable (fsync(2): the fsync of a file does not cover its name). */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
