import type { AcceptedResponse, JobResponse } from '@lading/protocol'
import type { BenchSystem } from './lading.ts'
import { now } from './now.ts'
import { cpuSeconds } from './process-usage.ts'

/** What it took to log files, for all of them together. */
export interface Logged {
  /** Milliseconds from the first byte to the last 202, with the worker frozen. */
  readonly acceptMs: number
  /** Milliseconds from the worker's release until the jobs are completed. */
  readonly deliverMs: number
  /** Seconds of processor time, of the API and of the worker, all in all. */
  readonly apiCpu: number
  readonly workerCpu: number
}

/** Accepts while the worker is frozen, then lets it deliver. `send` gives the jobs and the time that counts. */
export async function logged(
  { api, worker, client }: BenchSystem,
  send: () => Promise<{ ms: number; jobIds: readonly string[] }>,
): Promise<Logged> {
  const before = [cpuSeconds(api.pid), cpuSeconds(worker.pid)] as const
  worker.pause()
  const { ms, jobIds } = await send()
  const start = now()
  worker.resume()
  for (const jobId of jobIds) mustComplete(await client.waitJob(jobId))
  return {
    acceptMs: ms,
    deliverMs: now() - start,
    apiCpu: cpuSeconds(api.pid) - before[0],
    workerCpu: cpuSeconds(worker.pid) - before[1],
  }
}

export function mustComplete(job: JobResponse): void {
  if (job.state !== 'completed') throw new Error(`A job ended ${job.state}: ${JSON.stringify(job.error)}`)
}

export function jobIdOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as AcceptedResponse).job_id
}
