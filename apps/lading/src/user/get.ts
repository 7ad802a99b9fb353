import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Artifact, ArtifactHead, Run } from '@lading/client'
import { counted, inBytes } from '../terminal/figures.ts'
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
  const targets = await targetsOf(run, from, destination, session.signal)
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
  const bytesTotal = targets.reduce((all, { artifact }) => all + ('size' in artifact ? artifact.size : 0), 0)
  const one = async (target: Target) => {
    const was = await download(run, target, session.signal, (more) => {
      done.bytes += more
      const { files, bytes } = done
      shown.show('fetching', { files, filesTotal: targets.length, bytes, bytesTotal, failed: 0 })
    })
    done.files += 1
    if (was === 'held') done.held += 1
  }
  await forEvery(targets, one, ({ artifact }) => artifact.path, AT_ONCE)
  return done
}

/** Of a file one, of a directory one for each that lies below it. */
async function targetsOf(
  run: Run,
  from: string,
  destination: string | undefined,
  signal: AbortSignal,
): Promise<Target[]> {
  const below: Artifact[] = []
  for await (const artifact of run.artifacts({ path: from, recursive: true, signal })) below.push(artifact)
  if (below.length === 0 && from !== '')
    return [await oneTarget(await run.head(from, { signal }), destination)]
  const folder = destination ?? (from === '' ? '.' : basename(from))
  const prefix = from === '' ? '' : `${from}/`
  return below.map((artifact) => ({
    artifact,
    file: join(folder, inside(artifact.path.slice(prefix.length))),
  }))
}

async function oneTarget(artifact: ArtifactHead, destination: string | undefined): Promise<Target> {
  const name = basename(artifact.path)
  if (destination === undefined) return { artifact, file: name }
  const isFolder =
    destination.endsWith('/') || (await stat(destination).catch(() => undefined))?.isDirectory()
  return { artifact, file: isFolder ? join(destination, name) : destination }
}

/** The server keeps no path that leaves the destination; this does not rely on it. */
function inside(path: string): string {
  if (path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Error(`the server names a path that is not below the directory: ${path}`)
  return path
}

async function toStandardOutput({ signal }: Session, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}
