import { readdir, stat } from 'node:fs/promises'
import { basename, sep } from 'node:path'
import { type DiskFile, fileAt, filesIn, type WalkOptions } from '@lading/client'
import { UsageError } from '../usage-error.ts'

/** As `cp -r`: a file under its name, a directory under its own, and with `/.` at its end what lies in it. */
export async function* filesOf(
  paths: readonly string[],
  options: WalkOptions & { readonly as?: string },
): AsyncGenerator<DiskFile> {
  for (const path of paths) {
    if ((await stat(path)).isDirectory()) yield* directoryAt(path, prefixOf(path, options.as), options)
    else yield await oneFile(path, options.as ?? basename(path))
  }
}

/** One that is empty comes as that, where it has a name. */
async function* directoryAt(folder: string, prefix: string, options: WalkOptions): AsyncGenerator<DiskFile> {
  if (prefix !== '' && (await readdir(folder)).length === 0) yield await described(folder, prefix)
  else yield* filesUnder(folder, prefix, options)
}

/** Everything in a directory, by paths below it. */
export async function* filesUnder(
  folder: string,
  prefix: string,
  options: WalkOptions,
): AsyncGenerator<DiskFile> {
  for await (const file of filesIn(folder, options)) yield { ...file, path: `${prefix}${file.path}` }
}

/** Fails with a `UsageError` where a path is not there, or two would have the same name, before anything is sent. */
export async function checkLocal(paths: readonly string[], as: string | undefined): Promise<void> {
  if (as !== undefined && paths.length > 1) throw new UsageError('--as names one path, and there are several')
  const names = new Map<string, string>()
  for (const path of paths) {
    const kind = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(
        error.code === 'ENOENT' ? `${path}: there is no such file or directory` : error.message,
      )
    })
    if (!kind.isDirectory() && !kind.isFile())
      throw new UsageError(
        `${path}: it is neither a file nor a directory; what a pipe gives is standard input: lading upload - --as NAME < ${path}`,
      )
    const name = kind.isDirectory() ? prefixOf(path, as) : (as ?? basename(path))
    const other = names.get(name)
    if (other !== undefined && name !== '')
      throw new UsageError(`${other} and ${path} would both be ${name}: use --as, or two uploads`)
    names.set(name, path)
  }
}

function prefixOf(folder: string, as: string | undefined): string {
  const name = as ?? lastSegment(folder)
  return name === '' ? '' : `${name}/`
}

/** Nothing of `.`, `..`, and what ends in `/.`: these name no directory, but what lies in one. */
function lastSegment(folder: string): string {
  const segment = folder.replaceAll(sep, '/').replace(/\/+$/, '').split('/').at(-1) ?? ''
  return segment === '.' || segment === '..' ? '' : segment
}

async function oneFile(source: string, path: string): Promise<DiskFile> {
  return { ...(await described(source, path)), bytes: () => fileAt(source) }
}

async function described(source: string, path: string): Promise<DiskFile> {
  const { size, mode, mtime } = await stat(source)
  return { path, source, size: path.endsWith('/') ? 0 : size, mode: mode & 0o7777, modifiedAt: mtime }
}
