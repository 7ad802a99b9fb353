import type { Run } from '@lading/client'
import { counted, inBytes } from '../terminal/figures.ts'
import { written } from '../terminal/written.ts'
import { UsageError } from '../usage-error.ts'
import { atPath } from './at-path.ts'
import { download, type Target } from './download.ts'
import { forEvery } from './every.ts'
import { pathGiven } from './given-path.ts'
import type { Session } from './session.ts'
import { targetsOf } from './targets.ts'

export interface GetOptions {
  readonly run: string
}

/** Files that are downloaded at once. */
const AT_ONCE = 4

/** A file, or a directory with all below it; `.` is all of the run. */
export async function get(
  session: Session,
  given: string,
  destination: string | undefined,
  { run: runId }: GetOptions,
): Promise<void> {
  const run = session.client.run(runId)
  const path = pathGiven(given)
  if (destination === '-') return await toStandardOutput(session, run, path)
  const { files, held, bytes } = await fetchAll(session, run, path, destination)
  const kept = held === 0 ? '' : `, ${held} of them there already`
  await session.output.result(
    { run_id: runId, path, files: { total: files, held }, bytes: { total: bytes } },
    `Got ${counted(files, 'file')}, ${inBytes(bytes)}${kept}`,
  )
}

async function fetchAll(session: Session, run: Run, path: string, destination: string | undefined) {
  using shown = session.progress()
  const { signal } = session
  const all = { files: 0, bytes: 0 }
  for await (const { artifact } of targetsOf(run, path, destination, signal)) {
    all.files += 1
    all.bytes += 'size' in artifact ? artifact.size : 0
  }
  const done = { files: 0, held: 0, bytes: 0 }
  const one = async (target: Target) => {
    const was = await download(run, target, signal, (more) => {
      done.bytes += more
      const { files, bytes } = done
      shown.show('fetching', { files, filesTotal: all.files, bytes, bytesTotal: all.bytes, failed: 0 })
    })
    done.files += 1
    if (was === 'held') done.held += 1
  }
  await forEvery(targetsOf(run, path, destination, signal), one, ({ artifact }) => artifact.path, AT_ONCE)
  return done
}

async function toStandardOutput({ signal }: Session, run: Run, path: string): Promise<void> {
  if (path === '') throw new UsageError('standard output takes one file, and this is the whole run')
  if (!('size' in (await atPath(run, path, signal))))
    throw new UsageError(`${path}: it is a directory, and standard output takes one file`)
  for await (const chunk of run.download(path, { signal })) await written(process.stdout, chunk, signal)
}
