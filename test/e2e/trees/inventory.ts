import { createHash, hash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { archiver } from '../../support/archivers.ts'
import { shell } from '../shell.ts'

/** What a tree holds, by path: of each file its digest, mode and time; of each empty directory, whose path ends in a slash, nothing. */
export type Inventory = ReadonlyMap<string, string>

/** Of a tree on disk, links followed, but for what is not `wanted` at its top. Times are in whole steps, milliseconds. */
export function inventoryOfFolder(
  root: string,
  { step = 1000, wanted = () => true }: { step?: number; wanted?: (name: string) => boolean } = {},
): Inventory {
  const found: [string, string][] = []
  const walk = (folder: string, names: readonly string[]) => {
    if (names.length === 0) found.push([`${folder}/`, ''])
    for (const name of names) {
      const path = folder === '' ? name : `${folder}/${name}`
      const file = join(root, path)
      const stat = statSync(file)
      if (stat.isDirectory()) walk(path, readdirSync(file))
      else found.push([path, facts(hash('sha256', readFileSync(file)), stat.mode, stat.mtimeMs, step)])
    }
  }
  walk('', readdirSync(root).filter(wanted))
  return sorted(found)
}

type Listed = readonly [path: string, isDirectory: boolean, mode: number, mtime: number, sha256: string]

/** Of what the command prints, read by Python's tarfile or zipfile. */
export async function inventoryOfArchive(
  command: string,
  variables: Record<string, string>,
  { step = 1000 } = {},
): Promise<Inventory> {
  const read = join(import.meta.dirname, 'list-archive.py')
  const said = await shell(`${command} | "${archiver('python3')}" "${read}"`, import.meta.dirname, variables)
  const listed = said
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Listed)
  const filled = new Set(listed.flatMap(([path]) => parentsOf(path)))
  return sorted(
    listed.flatMap(([path, isDirectory, mode, mtime, sha256]): [string, string][] => {
      if (!isDirectory) return [[path, facts(sha256, mode, mtime * 1000, step)]]
      return filled.has(path) ? [] : [[`${path}/`, '']]
    }),
  )
}

/** One digest of it all, for trees whose difference would be too long to print. */
export function digestOfAll(inventory: ReadonlyMap<string, string>): string {
  const digest = createHash('sha256')
  for (const [path, told] of inventory) digest.update(`${path}\0${told}\0`)
  return `${inventory.size} entries, ${digest.digest('hex')}`
}

function facts(sha256: string, mode: number, mtimeMs: number, step: number): string {
  const time = Math.floor(mtimeMs / step) * step
  return `${sha256} ${(mode & 0o7777).toString(8)} ${new Date(time).toISOString()}`
}

function parentsOf(path: string): string[] {
  const segments = path.split('/')
  return segments.slice(0, -1).map((_, index) => segments.slice(0, index + 1).join('/'))
}

function sorted(pairs: readonly [string, string][]): Inventory {
  const inventory = new Map([...pairs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  if (inventory.size < pairs.length) throw new Error(`${pairs.length - inventory.size} paths are there twice`)
  return inventory
}
