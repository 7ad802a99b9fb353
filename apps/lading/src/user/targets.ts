import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Run } from '@lading/client'
import { UsageError } from '../usage-error.ts'
import { atPath } from './at-path.ts'
import type { Target } from './download.ts'

/**
 * What is to be fetched, as the server lists it: of a file one, of a directory one for each that lies below it. Fails with
 * `artifact_not_found`, and with a `UsageError` for a destination that cannot be one.
 */
export async function* targetsOf(
  run: Run,
  path: string,
  destination: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Target> {
  const folder = destination ?? (path === '' ? '.' : basename(path))
  const prefix = path === '' ? '' : `${path}/`
  let found = path === ''
  for await (const artifact of run.artifacts({ path, recursive: true, signal })) {
    if (!found) await checkFolder(folder)
    found = true
    yield { artifact, file: join(folder, inside(artifact.path.slice(prefix.length))) }
  }
  if (found) return
  const artifact = await atPath(run, path, signal)
  yield { artifact, file: 'size' in artifact ? await fileFor(artifact.path, destination) : folder }
}

async function fileFor(path: string, destination: string | undefined): Promise<string> {
  const name = basename(path)
  const isFolder =
    destination !== undefined && (destination.endsWith('/') || (await isDirectory(destination)))
  return isFolder ? join(destination, name) : (destination ?? name)
}

async function checkFolder(folder: string): Promise<void> {
  const kind = await stat(folder).catch(() => undefined)
  if (kind !== undefined && !kind.isDirectory())
    throw new UsageError(`${folder}: a file is here, where the directory is to be; give another destination`)
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** The server keeps no path that leaves the destination; this does not rely on it. */
function inside(path: string): string {
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Error(`the server names a path that is not below the directory: ${path}`)
  return path
}
