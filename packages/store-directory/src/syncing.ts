import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
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

/** Makes a directory where there is none. Those above it that are new are on the disk then; it is when what it holds is. */
export async function makeDirectory(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true })
  if (created !== undefined) await syncDirectories(dirname(directory), dirname(created))
}
