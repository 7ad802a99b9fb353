import type { Sha256Hex, WorkLimits } from '@lading/core'
import type { ErrorCode } from '@lading/protocol'
import type { Jobs } from './catalog.ts'
import type { Sql, Walled } from './database.ts'
import { IS_LIVE } from './file-states.ts'
import type { Hints } from './hints.ts'
import { cancelJob } from './job-cancel.ts'
import { checkExpectedFiles, type JobLimits } from './job-limits.ts'
import { openJob } from './job-open.ts'
import { planFiles } from './job-plan.ts'
import { retryJob } from './job-retry.ts'
import { type JobRow, jobFromRow } from './job-row.ts'
import { sealJob } from './job-seal.ts'
import type { JobFile } from './model.ts'
import { idOfCursor, pageOf } from './paging.ts'
import { prepared } from './prepared.ts'
import { publish } from './publish.ts'
import { limitsUsage, type Quotas } from './quotas.ts'

/** The parts that unfinished files have in the store: progress within a file of gigabytes. */
const WITH_PARTS = `j.*, (
  SELECT sum(p.size)::bigint FROM uploads u JOIN files f USING (file_id) JOIN upload_parts p USING (file_id)
  WHERE u.job_id = j.job_id AND f.state ${IS_LIVE}
) AS bytes_in_parts`

interface FileRow extends Omit<JobFile, 'sha256' | 'error' | 'endedAt'> {
  sha256: Buffer
  errorCode: ErrorCode | null
  errorDetail: string | null
  endedAt: Date | null
}

/** `everyones`: for what is looked at whosever it is. */
export function jobsOf(
  db: Walled,
  everyones: Sql,
  hints: Hints,
  limits: { work: WorkLimits; job: JobLimits; quotaOf: Quotas['of'] },
): Jobs {
  const get: Jobs['get'] = async (tenant, jobId) => {
    const [row] = await db
      .of(tenant)
      .query<JobRow>(
        prepared(`SELECT ${WITH_PARTS} FROM jobs j WHERE tenant_id = :tenant AND job_id = :jobId`),
        {
          tenant,
          jobId,
        },
      )
    return row && jobFromRow(row)
  }

  return {
    get,
    async getMany(tenant, jobIds) {
      const rows = await db.of(tenant).query<JobRow>(
        `SELECT ${WITH_PARTS} FROM unnest(:jobIds::uuid[]) WITH ORDINALITY AS asked(job_id, place)
         JOIN jobs j USING (job_id) WHERE j.tenant_id = :tenant ORDER BY asked.place`,
        { tenant, jobIds },
      )
      return rows.map(jobFromRow)
    },
    async list(tenant, { runId, state }, { limit, cursor }) {
      const rows = await db.of(tenant).query<JobRow>(
        `SELECT ${WITH_PARTS} FROM jobs j
         WHERE tenant_id = :tenant ${runId === undefined ? '' : 'AND run_id = :runId'}
           ${state === undefined ? '' : 'AND state = :state'}
           AND (:before::uuid IS NULL OR job_id < :before::uuid)
         ORDER BY job_id DESC LIMIT :rows`,
        {
          tenant,
          runId: runId ?? null,
          state: state ?? null,
          before: idOfCursor(cursor) ?? null,
          rows: limit + 1,
        },
      )
      return pageOf(rows.map(jobFromRow), limit, (job) => job.jobId)
    },
    async files(tenant, jobId, { state }, { limit, cursor }) {
      const rows = await db.of(tenant).query<FileRow>(
        `SELECT file_id, path, size, sha256, state, error_code, error_detail, ended_at FROM files
         WHERE job_id = :jobId AND (:state::text IS NULL OR state = :state)
           AND (:after::uuid IS NULL OR file_id > :after::uuid)
         ORDER BY file_id LIMIT :rows`,
        { jobId, state: state ?? null, after: idOfCursor(cursor) ?? null, rows: limit + 1 },
      )
      return pageOf(rows.map(fileFromRow), limit, (file) => file.fileId)
    },
    async open(run, job, key) {
      checkExpectedFiles(job.expectedFiles, limits.job)
      const metered = limitsUsage(await limits.quotaOf(run.tenantId))
      return await openJob(db, run, { ...job, metered }, key)
    },
    async seal(tenant, jobId, seal) {
      const { known, ended } = await sealJob(db, tenant, jobId, seal)
      if (!known) return undefined
      if (ended) hints.jobsChanged([jobId])
      await publish(db.of(tenant), hints, jobId)
      return await get(tenant, jobId)
    },
    async plan(run, jobId, files, { copy }) {
      const job = await get(run.tenantId, jobId)
      if (job?.runId !== run.runId) return undefined
      const quota = await limits.quotaOf(run.tenantId)
      const planned = await planFiles(
        db.of(run.tenantId),
        { run, jobId, files, copy, quota },
        limits.work,
        limits.job,
      )
      if (planned.copied > 0) hints.workIsReady()
      return planned
    },
    async cancel(tenant, jobId) {
      if (!(await cancelJob(db, tenant, jobId))) return undefined
      hints.jobsChanged([jobId])
      return await get(tenant, jobId)
    },
    async retry(tenant, jobId) {
      if (!(await retryJob(db, tenant, jobId, await limits.quotaOf(tenant)))) return undefined
      hints.workIsReady()
      return await get(tenant, jobId)
    },
    async peek(jobIds) {
      const rows = await everyones.query<JobRow>(
        `SELECT ${WITH_PARTS} FROM jobs j WHERE job_id = ANY (:jobIds::uuid[])`,
        {
          jobIds,
        },
      )
      return rows.map(jobFromRow)
    },
  }
}

function fileFromRow({ sha256, errorCode, errorDetail, endedAt, ...row }: FileRow): JobFile {
  return {
    ...row,
    sha256: sha256.toString('hex') as Sha256Hex,
    error: errorCode === null ? undefined : { code: errorCode, detail: errorDetail ?? '' },
    endedAt: endedAt ?? undefined,
  }
}
