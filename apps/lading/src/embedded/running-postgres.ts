import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LadingError } from '@lading/protocol'
import { isHeld } from './directory-hold.ts'
import { settle } from './postgres.ts'
import { passwordFile, SUPERUSER } from './postgres-cluster.ts'

/**
 * The URL of the PostgreSQL that another process runs on the data directory; `undefined` when none does. Fails with
 * `catalog_unavailable` while it is being started or stopped, or where its password is another user's.
 */
export async function runningPostgres(directory: string): Promise<string | undefined> {
  const settled = await settle(directory)
  if (!(await isHeld(settled))) return undefined
  try {
    const password = (await readFile(passwordFile({ directory: settled }), 'utf8')).trim()
    const port = await portOf(settled)
    return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`
  } catch (cause) {
    const why = `The database in ${settled} is another process's, and cannot be asked: ${(cause as Error).message}`
    throw new LadingError('catalog_unavailable', why, { cause })
  }
}

/** https://www.postgresql.org/docs/current/storage-file-layout.html: the fourth line is the port, the eighth the status. */
async function portOf(directory: string): Promise<number> {
  const lines = (await readFile(join(directory, 'postmaster.pid'), 'utf8')).split('\n')
  if (lines[7]?.trim() !== 'ready') throw new Error('it is being started or stopped; try again')
  return Number(lines[3])
}
