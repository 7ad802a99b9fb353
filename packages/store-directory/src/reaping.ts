import { lstat, opendir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsent } from './errors.ts'
import type { Layout } from './layout.ts'

/** What is being written is touched more often than that (milliseconds). */
const ABANDONED_MS = 60 * 60 * 1000

/** Removes what killed processes left of their writing. Other processes may be at work in the same store. */
export async function reapTemporaries(layout: Layout): Promise<void> {
  for await (const { name } of await opendir(layout.tmp)) {
    const path = join(layout.tmp, name)
    if ((await ageOf(path)) > ABANDONED_MS) await rm(path, { recursive: true, force: true })
  }
}

async function ageOf(path: string): Promise<number> {
  try {
    const stats = await lstat(path)
    // A copy under way is a second name of its source, with the time of that; making the name set the other time.
    const isSecondName = stats.isFile() && stats.nlink > 1
    return Date.now() - (isSecondName ? stats.ctimeMs : stats.mtimeMs)
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}
