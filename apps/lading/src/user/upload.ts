import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { WalkOptions } from '@lading/client'
import { UsageError } from '../usage-error.ts'
import { checkLocal, filesOf } from './local-files.ts'
import { report, reportOf } from './report.ts'
import { sendFiles } from './send-files.ts'
import type { Session } from './session.ts'
import { Unfinished } from './unfinished.ts'

export interface UploadOptions {
  readonly run: string
  readonly to: string
  readonly as?: string
  readonly links: NonNullable<WalkOptions['links']>
  readonly exclude: readonly string[]
  readonly atomic: boolean
  readonly wait: boolean
}

export async function upload(
  session: Session,
  paths: readonly string[],
  options: UploadOptions,
): Promise<void> {
  if (paths.includes('-')) return await uploadStream(session, paths, options)
  const { run, to, as, atomic, exclude, links } = options
  await checkLocal(paths, as)
  const sent = await sendFiles(session, {
    run: session.client.run(run),
    directory: to,
    files: () => filesOf(paths, options),
    unfinished: new Unfinished(
      [
        ...['upload', session.place, run, to, as ?? '', String(atomic), links],
        ...[...exclude, '--', ...paths.map((path) => resolve(path))],
      ],
      process.env,
    ),
    onlyChanged: false,
    atomic,
  })
  await report(session, reportOf(sent, options), options.wait)
}

/** Standard input, of whatever length. It is sent once: it cannot be read again. */
async function uploadStream(
  session: Session,
  paths: readonly string[],
  options: UploadOptions,
): Promise<void> {
  const { run, to, as, wait } = options
  if (paths.length > 1) throw new UsageError('- (standard input) is uploaded alone')
  if (as === undefined) throw new UsageError('- (standard input) has no name: give it one with --as')
  const { client, signal } = session
  let bytes = 0
  const jobId = await (async () => {
    using shown = session.progress()
    const path = to === '' ? as : `${to.replace(/\/$/, '')}/${as}`
    const stream = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>
    const onProgress = ({ sent }: { sent: number }) => {
      bytes = sent
      shown.show('sending', { files: 0, filesTotal: 1, bytes, bytesTotal: undefined, failed: 0 })
    }
    return (await client.run(run).logStream(path, stream, { signal, onProgress })).jobId
  })()
  const sent = { files: { total: 1, sent: 1, held: 0 }, bytes: { total: bytes, sent: bytes } }
  await report(session, { run_id: run, job_id: jobId, to, ...sent }, wait)
}
