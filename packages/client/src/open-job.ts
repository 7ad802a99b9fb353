import { checkDirectory } from './artifact-path.ts'
import type { Job } from './bodies.ts'
import { newKey } from './idempotency-key.ts'
import type { OpenJobOptions } from './options.ts'
import type { RunContext } from './run-context.ts'

/** A job that takes files until it is sealed. */
export function openJob({ transport, address }: RunContext, options: OpenJobOptions): Promise<Job> {
  const { directory = '', atomic, shards, deadlineSeconds, idempotencyKey = newKey(), signal } = options
  const body = { artifact_path: checkDirectory(directory), atomic, shards, deadline_seconds: deadlineSeconds }
  return transport.post<Job>(`${address}/uploads`, 'job_id', body, {
    headers: { 'idempotency-key': idempotencyKey },
    repeatable: true,
    ...(signal !== undefined && { signal }),
  })
}
