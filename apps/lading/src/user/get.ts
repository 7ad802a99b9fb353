import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Artifact, Run } from '@lading/client'
import { counted, inBytes } from '../terminal/figures.ts'
import { UsageError } from '../usage-error.ts'
import { download, type Target } from './download.ts'
import { forEvery } from './every.ts'
import type { Session } from './session.ts'

export interface GetOptions {
  readonly run: string
}

/** Files that are downloaded at once. */
const AT_ONCE = 4

/** A file, or a directory with all below it; `.` is all of the run. */
export async function get(
  session: Session,
  path: string,
  destination: string | undefined,
  { run: runId }: GetOptions,
): Promise<void> {
  const run = session.client.run(runId)
  const from = path === '.' || path === '/' ? '' : path.replace(/\/$/, '')
  if (destination === '-')
    return await toStandardOutput(session, run.download(from, { signal: session.signal }))
  const targets = await targetsOf(session, runId, from, destination)
  const { files, held, bytes } = await fetchAll(session, run, targets)
  const kept = held === 0 ? '' : `, ${held} of them there already`
  session.output.result(
    { run_id: runId, path: from, files: { total: files, held }, bytes: { total: bytes } },
    `Got ${counted(files, 'file')}, ${inBytes(bytes)}${kept}`,
  )
}

async function fetchAll(session: Session, run: Run, targets: readonly Target[]) {
  using shown = session.progress()
  const done = { files: 0, held: 0, bytes: 0 }
  const bytesTotal = totalOf(targets)
  const one = async (target: Target) => {
    const was = await download(run, target, session.signal, (more) => {
      done.bytes += more
      const { files, bytes } = done
      shown.show('fetching', { files, filesTotal: targets.length, bytes, bytesTotal, failed: 0 })
    })
    done.files += 1
    if (was === 'held') done.held += 1
  }
  await forEvery(targets, one, ({ path }) => path, AT_ONCE)
  return done
}

async function targetsOf(
  { client, signal }: Session,
  runId: string,
  from: string,
  destination: string | undefined,
): Promise<Target[]> {
  const below: Artifact[] = []
  for await (const artifact of client.run(runId).artifacts({ path: from, recursive: true, signal }))
    below.push(artifact)
  if (below.length === 0 && from !== '') return [await oneTarget(from, destination)]
  const folder = destination ?? (from === '' ? '.' : basename(from))
  const prefix = from === '' ? '' : `${from}/`
  return below.map((artifact) => targetOf(artifact, join(folder, inside(artifact.path.slice(prefix.length)))))
}

async function oneTarget(path: string, destination: string | undefined): Promise<Target> {
  const intoFolder = destination !== undefined && (destination.endsWith('/') || (await isFolder(destination)))
  const file = intoFolder ? join(destination, basename(path)) : (destination ?? basename(path))
  return { path, file, size: undefined, isFolder: false }
}

function targetOf(artifact: Artifact, file: string): Target {
  if (artifact.is_dir) return { path: artifact.path, file, size: 0, isFolder: true }
  const { path, size, sha256, mode, mtime } = artifact
  return { path, file, size, sha256, mode, mtime, isFolder: false }
}

/** No path of a server leads out of the destination. */
function inside(path: string): string {
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new UsageError(`${path}: the server names a path that is not below the directory`)
  return path
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (kind) => kind.isDirectory(),
    () => false,
  )
}

async function toStandardOutput({ signal }: Session, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}

/** Undefined where the size of one is not known before it comes. */
function totalOf(targets: readonly Target[]): number | undefined {
  return targets.reduce<number | undefined>(
    (all, { size }) => (all === undefined || size === undefined ? undefined : all + size),
    0,
  )
}
