import { opendir, rm, stat } from 'node:fs/promises'
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
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}
