import { counted, inBytes } from '../terminal/figures.ts'
import type { Sent } from './send-files.ts'
import type { Session } from './session.ts'
import { requireDelivered, watchJob } from './watch-job.ts'

/** What was sent, as `--json` prints it. */
export interface UploadReport {
  readonly run_id: string
  readonly job_id: string
  readonly to: string
  readonly files: { readonly total: number; readonly sent: number; readonly held: number }
  readonly bytes: { readonly total: number; readonly sent: number }
  /** Of the job; undefined where it was not waited for. */
  readonly state?: string
}

export function reportOf({ jobId, all, held }: Sent, { run, to }: { run: string; to: string }): UploadReport {
  return {
    run_id: run,
    job_id: jobId,
    to,
    files: { total: all.files, sent: all.files - held.files, held: held.files },
    bytes: { total: all.bytes, sent: all.bytes - held.bytes },
  }
}

/** Says what was sent; with `wait` when it is delivered. */
export async function report(session: Session, sent: UploadReport, wait: boolean): Promise<void> {
  if (!wait) return await session.output.result(sent, `${sentence(sent, 'Sent')}, which delivers`)
  const job = await watchJob(session, sent.job_id)
  const line = job.state === 'completed' ? sentence(sent, 'Delivered') : undefined
  await session.output.result({ ...sent, state: job.state }, line)
  await requireDelivered(session, job)
}

function sentence({ files, bytes, job_id: jobId }: UploadReport, done: string): string {
  if (files.sent === 0) return `Nothing to send, ${counted(files.held, 'file')} held already: job ${jobId}`
  const held = files.held === 0 ? '' : `, ${files.held} held already`
  return `${done} ${counted(files.sent, 'file')}, ${inBytes(bytes.sent)}${held}: job ${jobId}`
}
