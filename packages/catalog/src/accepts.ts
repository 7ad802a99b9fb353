import { checkpoint, type WorkLimits } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { accept, sumOf } from './accept.ts'
import { openArrival } from './arrival.ts'
import type { Acceptance, AcceptedFile, Accepts } from './catalog.ts'
import type { Sql, Walled } from './database.ts'
import type { Hints } from './hints.ts'
import { checkJobSize, type JobLimits } from './job-limits.ts'
import type { Job } from './model.ts'
import { checkPaths, holdPaths, holdPathsOfPack, MOST_NAMES } from './path-clashes.ts'
import { prepared } from './prepared.ts'
import { checkQuotaOfAdded } from './quota-check.ts'
import { limitsUsage, type Quotas } from './quotas.ts'
import { keepResumed } from './resumable-uploads.ts'

export function acceptsOf(
  db: Walled,
  hints: Hints,
  limits: WorkLimits,
  jobLimits: JobLimits,
  quotaOf: Quotas['of'],
): Accepts {
  return {
    arrive: (tenant) => openArrival(db, tenant, limits),
    checkPaths: ({ runId, tenantId }, paths) => checkPaths(db.of(tenantId), runId, paths),
    async accept(acceptance) {
      const { tenantId } = acceptance.run
      const quota = await quotaOf(tenantId)
      const taken = async (sql: Sql): Promise<Job> => {
        const accepted = await accept(sql, acceptance, limits, limitsUsage(quota))
        checkJobSize(accepted, jobLimits)
        await keepIdempotencyKey(sql, acceptance, accepted.jobId)
        await keepResumed(sql, acceptance, accepted.jobId)
        await checkQuotaOfAdded(sql, tenantId, quota, addedBy(acceptance))
        await holdAccepted(sql, acceptance)
        checkpoint('accept.before-commit')
        return accepted
      }
      const scope = 'arrivalId' in acceptance.files ? 'whole job' : undefined
      const job = await db.of(tenantId).transaction(taken, scope)
      checkpoint('accept.after-commit')
      hints.workIsReady()
      return job
    },
  }
}

function addedBy({ files, pack }: Acceptance) {
  const { files: objects, bytes } = sumOf(files)
  return { objects, bytes, spooledBytes: pack.bytes }
}

/** The last of the transaction, as it takes locks that others wait for. */
async function holdAccepted(sql: Sql, { run, pack, files }: Acceptance): Promise<void> {
  if ('arrivalId' in files || files.length > MOST_NAMES)
    return await holdPathsOfPack(sql, run.runId, pack.packId)
  await holdPaths(sql, run.runId, files.map(nameOf))
}

function nameOf({ path, type }: AcceptedFile): string {
  return type === 'directory' ? `${path}/` : path
}

/** Gives the key to the job, if whoever took it still holds it. Fails with `idempotency_key_in_flight`. */
export async function keepIdempotencyKey(
  sql: Sql,
  { idempotency, run }: Pick<Acceptance, 'idempotency' | 'run'>,
  jobId: string,
): Promise<void> {
  if (!idempotency) return
  const kept = await sql.query(
    prepared(`UPDATE idempotency_keys SET job_id = :jobId, content = :content, locked_by = NULL, locked_until = NULL
     WHERE tenant_id = :tenant AND key = :key AND locked_by = :holder AND job_id IS NULL RETURNING 1`),
    { jobId, tenant: run.tenantId, ...idempotency },
  )
  if (kept.length === 0) {
    throw new LadingError(
      'idempotency_key_in_flight',
      'Idempotency-Key: another request took the key over while this one was under way',
      { retryAfter: 1 },
    )
  }
}
