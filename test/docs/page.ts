import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../architecture/workspaces.ts'

/** A page has one table that is made from code: its lines that begin with a bar. */
const TABLE = /^\|.*(?:\n\|.*)*/m

export async function readTable(page: string): Promise<string> {
  return TABLE.exec(await readPage(page))?.[0] ?? ''
}

export async function writeTable(page: string, table: string): Promise<void> {
  const text = await readPage(page)
  if (!TABLE.test(text)) throw new Error(`${page} has no table to replace`)
  await writeFile(
    join(ROOT, page),
    text.replace(TABLE, () => table),
  )
}

async function readPage(page: string): Promise<string> {
  return await readFile(join(ROOT, page), 'utf8')
}
