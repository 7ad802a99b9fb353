import { randomUUID } from 'node:crypto'
import { type DiskFile, type Job, LadingError, type Run } from '@lading/client'
import { Interrupted } from '../interrupted.ts'
import { counted, inBytes } from '../terminal/figures.ts'
import { type Count, countFiles } from './count-files.ts'
import type { Session } from './session.ts'
import type { Note, Unfinished } from './unfinished.ts'

export interface Sending {
  readonly run: Run
  /** Of the run, for all files. */
  readonly directory: string
  /** Walked twice: to be counted, and to be sent. */
  files(): AsyncIterable<DiskFile>
  readonly unfinished: Unfinished
  /** Send only what the server needs: what it holds elsewhere, it copies. An upload that goes on always does so. */
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
  const all = await countFiles(sending.files(), sending.directory, session.signal)
  if (all.files === 0) throw new LadingError('no_file', 'there is no file to send')
  const { job, note, resumed } = await jobFor(session, sending)
  if (resumed) session.output.remark(`Going on with job ${job.job_id}`)
  try {
    const held = await sendAll(session, sending, { job, note, all, resumed })
    await session.client.jobs.seal(job.job_id, { signal: session.signal })
    await sending.unfinished.forget().catch((error: Error) => session.output.remark(error.message))
    return { jobId: job.job_id, all, held }
  } catch (error) {
    throw await explained(session, job, error)
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
  const unresumable = (error: Error) =>
    output.remark(`This upload could not be resumed if it broke: ${error.message}`)
  const noted = await unfinished.read().catch(() => undefined)
  const left = noted && (await client.jobs.get(noted.job_id, { signal }).catch(whenGone))
  if (noted !== undefined && left?.state === 'open') {
    await unfinished.write(noted).catch(unresumable)
    return { job: left, note: noted, resumed: true }
  }
  const job = await run.openJob({ directory, atomic, deadlineSeconds: DEADLINE_SECONDS, signal })
  const note = { job_id: job.job_id, key: randomUUID() }
  await unfinished.write(note).catch(unresumable)
  return { job, note, resumed: false }
}

/** Gives what the server held already. */
async function sendAll(
  session: Session,
  { run, files, onlyChanged }: Sending,
  { job, note, all, resumed }: Opened & { readonly all: Count },
): Promise<Count> {
  using shown = session.progress()
  let held: Count = { files: 0, bytes: 0 }
  const show = (files: number, bytes: number) =>
    shown.show('sending', { files, filesTotal: all.files, bytes, bytesTotal: all.bytes, failed: 0 })
  show(0, 0)
  await run.logArtifacts(files(), {
    jobId: job.job_id,
    idempotencyKey: note.key,
    onlyNeeded: onlyChanged || resumed,
    signal: session.signal,
    onProgress: (progress) => {
      held = progress.held ?? held
      show(progress.files ?? 0, progress.sent)
    },
  })
  return held
}

/** With how to go on. */
async function explained({ client, signal, output }: Session, job: Job, error: unknown): Promise<unknown> {
  const id = job.job_id
  if (!signal.aborted) {
    output.remark(
      `Job ${id} stays open: the same command goes on with it; \`lading jobs cancel ${id}\` gives it up.`,
    )
    return error
  }
  const soon = AbortSignal.timeout(SOON_MS)
  const { files, bytes } = await client.jobs.get(id, { signal: soon }).catch(() => job)
  return new Interrupted(
    `${counted(files.total, 'file')} (${inBytes(bytes.total)}) are kept in job ${id}. The same command goes on from there; ` +
      `\`lading jobs cancel ${id}\` gives it up.`,
  )
}

function whenGone(error: unknown): undefined {
  if (error instanceof LadingError && error.status === 404) return undefined
  throw error
}
