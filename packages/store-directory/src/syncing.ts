import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same in the lowest directory, and in those above it up to the one that holds the first new one. */
export async function syncDirectories(lowest: string, highest: string): Promise<void> {
  for (let directory = lowest; ; directory = dirname(directory)) {
    await syncDirectory(directory)
    if (directory === highest) return
  }
}
