import type { Dirent, Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LadingError } from '../errors.ts'
import { inOrder } from '../in-order.ts'
import type { FileToLog } from '../options.ts'
import { IGNORE_FILE, IgnoreRules, type Patterns, patternsOf } from './ignore-rules.ts'
import { readFile } from './read-file.ts'

export interface WalkOptions {
  /** Only files that one of these patterns names, in the syntax of `.gitignore`, as `*.pkl` or `/reports/**`. */
  readonly include?: readonly string[]
  /** Without what these patterns name, in the same syntax; besides what a `.ladingignore` of a directory names. */
  readonly exclude?: readonly string[]
  /** What to do with a symbolic link. `refuse` when it is left out: it fails with `link_refused`. */
  readonly links?: 'refuse' | 'skip' | 'follow'
}

/** A file of the disk, or a directory that is empty, whose path ends in a slash. */
export interface DiskFile extends FileToLog {
  /** On the disk. */
  readonly source: string
  /** Bytes. */
  readonly size: number
  readonly mode: number
  readonly modifiedAt: Date
}

/** Files whose size is being asked for. */
const AHEAD = 32

/**
 * All files below a directory, in the order of the bytes of their names, and the directories that are empty. Fails with
 * `link_refused`, with `path_invalid` for a name that is not UTF-8, and as `readdir` and `stat` do.
 */
export async function* filesIn(folder: string, options: WalkOptions = {}): AsyncGenerator<DiskFile> {
  const { include, exclude = [], links = 'refuse' } = options
  const rules = new IgnoreRules([['', patternsOf(exclude)]])
  const root = { source: folder, prefix: '', rules, parents: [await realpath(folder)] }
  yield* inOrder(below({ wanted: include && patternsOf(include), links }, root), AHEAD, described)
}

interface Walk {
  readonly wanted: Patterns | undefined
  readonly links: 'refuse' | 'skip' | 'follow'
}

interface Folder {
  readonly source: string
  /** Its path in the tree, with a slash at its end, or nothing. */
  readonly prefix: string
  readonly rules: IgnoreRules
  /** Itself and the folders it lies in, as they are really called. */
  readonly parents: readonly string[]
}

interface Found {
  readonly path: string
  readonly source: string
}

async function* below(walk: Walk, folder: Folder): AsyncGenerator<Found> {
  const { source, prefix } = folder
  const entries = await readdir(source, { withFileTypes: true, encoding: 'buffer' })
  entries.sort((a, b) => Buffer.compare(a.name, b.name))
  const rules = await folder.rules.below(source, prefix)
  if (entries.length === 0 && prefix !== '' && walk.wanted === undefined) yield { path: prefix, source }
  for (const entry of entries) {
    const name = textOf(entry.name, source)
    const found = { path: prefix + name, source: join(source, name) }
    if (name !== IGNORE_FILE) yield* entryOf(walk, { ...folder, rules }, entry, found)
  }
}

async function* entryOf(
  walk: Walk,
  folder: Folder,
  entry: Dirent<Buffer>,
  found: Found,
): AsyncGenerator<Found> {
  const { path, source } = found
  const isLink = entry.isSymbolicLink()
  if (isLink && walk.links === 'skip') return
  const kind = isLink ? await kindBehind(source) : entry
  const isFolder = kind?.isDirectory() ?? false
  if (folder.rules.leaveOut(isFolder ? `${path}/` : path)) return
  if (isLink && walk.links === 'refuse')
    throw refused(source, 'a symbolic link; say whether links are to be followed or skipped')
  if (isFolder) {
    const real = await realpath(source)
    if (folder.parents.includes(real)) throw refused(source, 'a link to a directory that it lies in')
    yield* below(walk, { ...folder, source, prefix: `${path}/`, parents: [...folder.parents, real] })
    return
  }
  if (!kind?.isFile()) throw refused(source, 'neither a file nor a directory, or a link to nothing')
  if (walk.wanted === undefined || walk.wanted.test(path).ignored) yield found
}

/** Undefined: the link leads to nothing. */
async function kindBehind(link: string): Promise<Stats | undefined> {
  return await stat(link).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined
    throw error
  })
}

async function described({ path, source }: Found): Promise<DiskFile> {
  const { size, mode, mtime } = await stat(source)
  const found = { path, source, mode: mode & 0o7777, modifiedAt: mtime }
  if (path.endsWith('/')) return { ...found, size: 0 }
  return { ...found, size, bytes: () => readFile(source, size) }
}

function textOf(name: Buffer, folder: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(name)
  } catch (cause) {
    const shown = JSON.stringify(name.toString('latin1'))
    throw new LadingError('path_invalid', `${folder}: the name ${shown} is not UTF-8`, { cause })
  }
}

function refused(source: string, reason: string): LadingError {
  return new LadingError('link_refused', `${source}: ${reason}`)
}
