import { newId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { keepIdempotencyKey } from './accepts.ts'
import type { OpeningKey, OpenJob } from './catalog.ts'
import type { Sql, Walled } from './database.ts'
import { beginKey } from './idempotency-keys.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import type { Job, Run } from './model.ts'

/** Milliseconds of the lease on a key; nobody sees it, as it is taken and used up in one transaction. */
const KEY_LEASE_MS = 60_000

interface Metered {
  /** Whether its tenant has a quota. */
  readonly metered: boolean
}

/**
 * See `Jobs.open`. Key and job commit together: of many who come with the same key at once, the others wait for the
 * first at the key's row, and then find its job.
 */
export async function openJob(
  walled: Walled,
  run: Run,
  given: OpenJob & Metered,
  key?: OpeningKey,
): Promise<Job> {
  const db = walled.of(run.tenantId)
  if (key === undefined) return await insertOpenJob(db, run, given)
  return await db.transaction(async (sql) => {
    const holder = newId()
    const begun = await beginKey(sql, run.tenantId, key.key, key.request, holder, KEY_LEASE_MS)
    if (begun.state === 'done') return await openedBefore(sql, key, begun)
    const job = await insertOpenJob(sql, run, given)
    await keepIdempotencyKey(
      sql,
      { run, idempotency: { key: key.key, holder, content: key.content } },
      job.jobId,
    )
    return job
  })
}

async function openedBefore(
  sql: Sql,
  key: OpeningKey,
  before: { readonly jobId: string; readonly content: string },
): Promise<Job> {
  if (before.content !== key.content) {
    throw new LadingError(
      'idempotency_key_reused',
      'Idempotency-Key: this key opened a job with other properties',
    )
  }
  const [row] = await sql.query<JobRow>('SELECT * FROM jobs WHERE job_id = :jobId', { jobId: before.jobId })
  if (!row) throw new LadingError('job_not_found', 'the job that this Idempotency-Key opened is gone')
  return jobFromRow(row)
}

async function insertOpenJob(sql: Sql, run: Run, given: OpenJob & Metered): Promise<Job> {
  const [row] = await sql.query<JobRow>(
    `INSERT INTO jobs (job_id, tenant_id, run_id, state, atomic, metered, directory, shards, expected_files, deadline)
     VALUES (:jobId, :tenant, :runId, 'open', :atomic, :metered, :directory, :shards, :expectedFiles, :deadline) RETURNING *`,
    {
      jobId: newId(),
      tenant: run.tenantId,
      runId: run.runId,
      atomic: given.atomic,
      metered: given.metered,
      directory: given.directory,
      shards: given.shards ?? null,
      expectedFiles: given.expectedFiles ?? null,
      deadline: given.deadline ?? null,
    },
  )
  if (!row) throw new Error('the statement that opens a job gave no row')
  return jobFromRow(row)
}
