import { newId, type WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { addFiles } from './add-files.ts'
import type { Acceptance, ArrivedSum } from './catalog.ts'
import type { Sql } from './database.ts'
import type { Job } from './model.ts'
import { prepared } from './prepared.ts'
import { arrivedRows, heldRows } from './rows-to-accept.ts'

/** See `Accepts.accept`; within the caller's transaction. `metered`: its job and pack are, as their tenant has a quota. */
export async function accept(
  sql: Sql,
  acceptance: Acceptance,
  limits: WorkLimits,
  metered: boolean,
): Promise<Job> {
  const { job, files } = acceptance
  const jobId =
    job.kind === 'open'
      ? await openJob(sql, acceptance, job.jobId)
      : await insertJob(sql, acceptance, job.atomic, metered)
  await sql.query(
    prepared(
      'INSERT INTO packs (pack_id, spool_id, job_id, bytes, metered) VALUES (:packId, :spoolId, :jobId, :bytes, :metered)',
    ),
    {
      ...acceptance.pack,
      spoolId: acceptance.spoolId,
      jobId,
      metered,
    },
  )
  const { runId, tenantId } = acceptance.run
  const { packId } = acceptance.pack
  const target = { jobId, runId, tenantId, isOpen: job.kind === 'open', route: acceptance.spoolId, packId }
  const rows = 'arrivalId' in files ? arrivedRows(files.arrivalId) : heldRows(files, limits)
  return await addFiles(sql, target, rows, sumOf(files))
}

export function sumOf(files: Acceptance['files']): ArrivedSum {
  if ('arrivalId' in files) return files
  return { files: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) }
}

async function insertJob(sql: Sql, { run }: Acceptance, atomic: boolean, metered: boolean): Promise<string> {
  const jobId = newId()
  await sql.query(
    prepared(`INSERT INTO jobs (job_id, tenant_id, run_id, state, atomic, metered, sealed_at)
     VALUES (:jobId, :tenant, :runId, 'queued', :atomic, :metered, now())`),
    { jobId, tenant: run.tenantId, runId: run.runId, atomic, metered },
  )
  return jobId
}

async function openJob(sql: Sql, { run }: Acceptance, jobId: string): Promise<string> {
  const [job] = await sql.query(prepared('SELECT 1 FROM jobs WHERE job_id = :jobId AND run_id = :runId'), {
    jobId,
    runId: run.runId,
  })
  if (job) return jobId
  throw new LadingError('job_not_found', `job_id: the run has no job ${jobId}`)
}
