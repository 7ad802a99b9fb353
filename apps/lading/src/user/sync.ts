import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { WalkOptions } from '@lading/client'
import { UsageError } from '../usage-error.ts'
import { filesUnder } from './local-files.ts'
import { report, reportOf } from './report.ts'
import { sendFiles } from './send-files.ts'
import type { Session } from './session.ts'
import { Unfinished } from './unfinished.ts'
import { requireDelivered, watchJob } from './watch-job.ts'

export interface SyncOptions {
  readonly run: string
  readonly to: string
  readonly links: NonNullable<WalkOptions['links']>
  readonly exclude: readonly string[]
  readonly delete: boolean
  readonly wait: boolean
}

/** Makes a directory of a run what a local one is: what the run holds as it is is not sent. */
export async function sync(session: Session, folder: string, options: SyncOptions): Promise<void> {
  await checkFolder(folder)
  const { run, to } = options
  const files = () => filesUnder(folder, '', options)
  const sent = await sendFiles(session, {
    run: session.client.run(run),
    directory: to,
    files,
    unfinished: new Unfinished(
      ['sync', session.place, run, to, options.links, ...options.exclude, '--', resolve(folder)],
      process.env,
    ),
    onlyChanged: true,
    atomic: true,
  })
  if (options.delete) {
    await requireDelivered(session, await watchJob(session, sent.jobId))
    await deleteOthers(session, files(), options)
  }
  await report(session, reportOf(sent, options), options.wait)
}

/** Deletes what lies in the directory of the run, and is not in the local one. */
async function deleteOthers(
  { client, output, signal }: Session,
  files: AsyncIterable<{ readonly path: string }>,
  { run, to }: SyncOptions,
): Promise<void> {
  const here = new Set<string>()
  for await (const { path } of files) here.add(path.replace(/\/$/, ''))
  const prefix = to === '' ? '' : `${to.replace(/\/$/, '')}/`
  for await (const { path, is_dir: isFolder } of client
    .run(run)
    .artifacts({ path: to, recursive: true, signal })) {
    if (here.has(path.slice(prefix.length))) continue
    await client.run(run).delete(path, { recursive: isFolder, signal })
    output.remark(`deleted ${path}`)
  }
}

async function checkFolder(folder: string): Promise<void> {
  const kind = await stat(folder).catch(() => undefined)
  if (!kind?.isDirectory()) throw new UsageError(`${folder}: there is no such directory`)
  if (await isOutbox(folder))
    throw new UsageError(
      `${folder}: this is an outbox of the Python package, which knows its runs: \`python -m lading sync ${folder}\` sends it`,
    )
}

/** As the Python package lays it out: a journal, or folders that each have one. */
async function isOutbox(folder: string): Promise<boolean> {
  const holdsJournal = (path: string) => existsSync(join(path, 'journal')) && existsSync(join(path, 'lock'))
  if (holdsJournal(folder)) return true
  const names = await readdir(folder)
  return names.length > 0 && names.every((name) => holdsJournal(join(folder, name)))
}
