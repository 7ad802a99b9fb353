import { randomUUID } from 'node:crypto'
import { type DiskFile, type Job, LadingError, type Run } from '@lading/client'
import { Interrupted } from '../interrupted.ts'
import { counted, inBytes } from '../terminal/figures.ts'
import { type Count, countFiles } from './count-files.ts'
import { FoldersOfRun } from './folders-of-run.ts'
import { onlyNeeded } from './only-needed.ts'
import type { Session } from './session.ts'
import type { Note, Unfinished } from './unfinished.ts'

export interface Sending {
  readonly run: Run
  /** Of the run, for all files. */
  readonly directory: string
  /** Walked twice: to be counted, and to be sent. */
  files(): AsyncIterable<DiskFile>
  readonly unfinished: Unfinished
  /** Send only what the run does not hold as it is. An upload that goes on always does so. */
  readonly onlyChanged: boolean
  readonly atomic: boolean
}

export interface Sent {
  readonly jobId: string
  readonly all: Count
  /** Those that were held already. */
  readonly held: Count
}

/** An open job that nobody goes on with ends by itself: after 7 days. */
const DEADLINE_SECONDS = 7 * 86_400
/** Milliseconds that somebody waits who has asked to stop. */
const SOON_MS = 2_000

/** Sends files as one job, or goes on with one that was cut off, and seals it. */
export async function sendFiles(session: Session, sending: Sending): Promise<Sent> {
  const all = await countFiles(sending.files(), session.signal)
  if (all.files === 0) throw new LadingError('no_file', 'there is no file to send')
  const { job, note, resumed } = await jobFor(session, sending)
  if (resumed) session.output.remark(`Going on with job ${job.job_id}`)
  try {
    const held = await sendAll(session, sending, { job, note, all, resumed })
    await session.client.jobs.seal(job.job_id, { signal: session.signal })
    await sending.unfinished.forget()
    return { jobId: job.job_id, all, held }
  } catch (error) {
    throw await explained(session, sending, job, error)
  }
}

interface Opened {
  readonly job: Job
  readonly note: Omit<Note, 'pid'>
  readonly resumed: boolean
}

/** That of the note where it is open still, else a new one, which is noted. */
async function jobFor({ client, signal, output }: Session, sending: Sending): Promise<Opened> {
  const { unfinished, run, directory, atomic } = sending
  const noted = await unfinished.read()
  const left = noted && (await client.jobs.get(noted.job_id, { signal }).catch(whenGone))
  if (noted !== undefined && left?.state === 'open') {
    await unfinished.write(noted)
    return { job: left, note: noted, resumed: true }
  }
  const job = await run.openJob({ directory, atomic, deadlineSeconds: DEADLINE_SECONDS, signal })
  const note = { job_id: job.job_id, key: randomUUID() }
  await unfinished
    .write(note)
    .catch((error: Error) => output.remark(`This upload could not be resumed if it broke: ${error.message}`))
  return { job, note, resumed: false }
}

/** Gives the files that were held already. */
async function sendAll(
  session: Session,
  { run, files, onlyChanged }: Sending,
  { job, note, all, resumed }: Opened & { readonly all: Count },
): Promise<Count> {
  using shown = session.progress()
  let held: Count = { files: 0, bytes: 0 }
  let sent: Count = { files: 0, bytes: 0 }
  const show = () =>
    shown.show('sending', {
      files: held.files + sent.files,
      filesTotal: all.files,
      bytes: held.bytes + sent.bytes,
      bytesTotal: all.bytes,
      failed: 0,
    })
  const whenHeld = ({ size }: DiskFile) => {
    held = { files: held.files + 1, bytes: held.bytes + size }
    show()
  }
  const { signal } = session
  show()
  const folders = new FoldersOfRun(run, job.artifact_path, signal)
  const holding = {
    run,
    jobId: job.job_id,
    onHeld: whenHeld,
    holdsFolder: async (path: string) => onlyChanged && (await folders.has(path)),
  }
  const toSend = onlyChanged || resumed ? onlyNeeded(files(), holding, signal) : files()
  await run.logArtifacts(toSend, {
    jobId: job.job_id,
    idempotencyKey: note.key,
    signal,
    onProgress: (progress) => {
      sent = { files: progress.files ?? 0, bytes: progress.sent }
      show()
    },
  })
  return held
}

/** Says how to go on; or clears up what cannot go on. */
async function explained(
  { client, signal }: Session,
  { unfinished }: Sending,
  job: Job,
  error: unknown,
): Promise<unknown> {
  if (error instanceof LadingError && error.code === 'idempotency_key_reused') {
    await unfinished.forget()
    await client.jobs.cancel(job.job_id)
    const detail =
      'a large file has changed since the upload was interrupted; repeat the command, which begins anew'
    return new LadingError('file_changed', detail)
  }
  if (!signal.aborted) return error
  const soon = AbortSignal.timeout(SOON_MS)
  const { files, bytes } = await client.jobs.get(job.job_id, { signal: soon }).catch(() => job)
  return new Interrupted(
    `${counted(files.total, 'file')} (${inBytes(bytes.total)}) are kept in job ${job.job_id}. The same command goes on from there; ` +
      `\`lading jobs cancel ${job.job_id}\` gives it up.`,
  )
}

function whenGone(error: unknown): undefined {
  if (error instanceof LadingError && error.status === 404) return undefined
  throw error
}
