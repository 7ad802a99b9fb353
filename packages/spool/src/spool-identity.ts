import { randomUUID } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { LadingError } from '@lading/protocol'
import type { SpoolLayout } from './layout.ts'
import { isAbsent } from './spool-fault.ts'
import { syncDirectory } from './sync-directory.ts'

/**
 * The id that the spool keeps in itself; the first process gives it one. The file is written whole under a name of its
 * own and then linked, which fails where the name is taken: of processes that race all but one read the winner's, and
 * none reads half an id.
 */
export async function spoolIdentity(layout: SpoolLayout): Promise<string> {
  return (await readIdentity(layout)) ?? (await giveIdentity(layout))
}

/** `undefined` where the spool has none yet. Fails with `spool_unavailable` when the file holds something else. */
export async function readIdentity(layout: SpoolLayout): Promise<string | undefined> {
  const text = await readFile(layout.identity, 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })
  if (text === undefined) return undefined
  const id = text.trim()
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  throw new LadingError(
    'spool_unavailable',
    `${layout.identity} does not hold a UUID: restore it, or empty the spool`,
  )
}

async function giveIdentity(layout: SpoolLayout): Promise<string> {
  const id = randomUUID()
  const draft = `${layout.identity}.${id}`
  await writeDurably(draft, `${id}\n`)
  try {
    await link(draft, layout.identity)
  } catch (error) {
    const winner = await readIdentity(layout)
    if (winner === undefined) throw error
    return winner
  } finally {
    await rm(draft, { force: true })
    await syncDirectory(layout.root)
  }
  return id
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o660)
  await file.writeFile(text)
  await file.sync()
}
