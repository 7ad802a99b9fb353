import { type ArtifactPath, COPIES_ROUTE, type Crc32, keptPath, type WorkLimits } from '@lading/core'
import { addFiles } from './add-files.ts'
import type { AcceptedFile, Planned, PlannedFile } from './catalog.ts'
import type { Sql, Statements } from './database.ts'
import { IS_LIVE } from './file-states.ts'
import { checkJobSize, type JobLimits } from './job-limits.ts'
import type { Run } from './model.ts'
import { holdPaths } from './path-clashes.ts'
import { checkQuotaOfAdded } from './quota-check.ts'
import type { Quota } from './quotas.ts'
import { heldRows } from './rows-to-accept.ts'

interface Plan {
  readonly run: Run
  readonly jobId: string
  readonly files: readonly PlannedFile[]
  /** Whether to have the store copy what the tenant has elsewhere. */
  readonly copy: boolean
  readonly quota: Quota
}

/**
 * See `Jobs.plan`. Most plans end with the first look. Where something is to be copied, a second one decides, which no
 * other plan of the job comes between: two that ask for the same add it once.
 */
export async function planFiles(
  db: Statements,
  plan: Plan,
  workLimits: WorkLimits,
  jobLimits: JobLimits,
): Promise<Planned> {
  const first = await missing(db, plan)
  if (!first.some(isCopyable)) return { needed: first.map(pathOf), copied: 0 }
  return await db.transaction(async (sql) => {
    await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended('plan of ' || :jobId, 0))`, {
      jobId: plan.jobId,
    })
    const found = await missing(sql, plan)
    const copies = found.filter(isCopyable)
    if (copies.length > 0) await addCopies(sql, plan, copies, workLimits, jobLimits)
    return {
      needed: found.filter((file) => !isCopyable(file)).map(pathOf),
      copied: copies.length,
    }
  })
}

/** A file that is not at its path. `crc32`: of an artifact of the tenant with the same bytes. */
interface MissingFile {
  readonly path: string
  readonly size: number
  readonly sha256: Buffer
  readonly crc32: number | null
}

type CopyableFile = MissingFile & { readonly crc32: number }

function pathOf(file: MissingFile): ArtifactPath {
  return keptPath(file.path)
}

function isCopyable(file: MissingFile): file is CopyableFile {
  return file.crc32 !== null
}

async function missing(sql: Sql, { run, jobId, files, copy }: Plan): Promise<MissingFile[]> {
  return await sql.query<MissingFile>(MISSING, {
    jobId,
    copy,
    bucket: run.location.bucket,
    paths: files.map((file) => file.path),
    sizes: files.map((file) => file.size),
    sha256s: files.map((file) => Buffer.from(file.sha256, 'hex')),
  })
}

/**
 * A file that the job holds counts unless it failed or was cancelled; one of the run, if it is shown and nothing newer was
 * accepted for its path, and it has not rotted since. What could not be copied once is to be sent, so that a client which plans and sends in turn comes
 * to an end even where every source is damaged. LATERAL with LIMIT keeps this to looks at an index for each file, however
 * much the run and the tenant hold, and whatever the statistics say of it.
 */
const MISSING = `
SELECT w.path, w.size, w.sha256, c.crc32
FROM jobs j
CROSS JOIN unnest(:paths::text[], :sizes::bigint[], :sha256s::bytea[]) WITH ORDINALITY AS w(path, size, sha256, place)
LEFT JOIN LATERAL (
  SELECT head_file_id FROM path_heads WHERE run_id = j.run_id AND path = w.path LIMIT 1
) h ON true
LEFT JOIN LATERAL (
  SELECT file_id, job_id, state, error_code FROM files
  WHERE file_id = h.head_file_id AND size = w.size AND sha256 = w.sha256 LIMIT 1
) f ON true
LEFT JOIN LATERAL (
  SELECT path FROM artifacts
  WHERE run_id = j.run_id AND path = w.path AND file_id = f.file_id AND f.state = 'stored' AND rotted_at IS NULL
  LIMIT 1
) a ON true
LEFT JOIN LATERAL (
  SELECT s.crc32 FROM artifacts s
  WHERE :copy AND j.state = 'open' AND f.error_code IS DISTINCT FROM 'copy_source_gone'
    AND s.tenant_id = j.tenant_id AND s.sha256 = w.sha256 AND s.path NOT LIKE '%/'
    AND s.size = w.size AND s.bucket = :bucket AND s.state = 'stored' AND s.rotted_at IS NULL LIMIT 1
) c ON true
WHERE j.job_id = :jobId AND a.path IS NULL
  AND (f.file_id IS NULL OR f.job_id <> j.job_id OR NOT (f.state ${IS_LIVE} OR f.state = 'stored'))
ORDER BY w.place`

async function addCopies(
  sql: Sql,
  { run, jobId, quota }: Plan,
  found: readonly CopyableFile[],
  workLimits: WorkLimits,
  jobLimits: JobLimits,
): Promise<void> {
  const { runId, tenantId } = run
  const target = { jobId, runId, tenantId, isOpen: true, route: COPIES_ROUTE, packId: undefined }
  const files = found.map(copyOf)
  const sum = { files: files.length, bytes: files.reduce((sum, file) => sum + file.size, 0) }
  const job = await addFiles(sql, target, heldRows(files, workLimits), sum)
  checkJobSize(job, jobLimits)
  await checkQuotaOfAdded(sql, tenantId, quota, {
    objects: sum.files,
    bytes: sum.bytes,
    spooledBytes: 0,
  })
  await holdPaths(
    sql,
    runId,
    files.map((file) => file.path),
  )
}

function copyOf({ path, size, sha256, crc32 }: CopyableFile): AcceptedFile {
  return {
    path: keptPath(path),
    type: 'file',
    mode: undefined,
    mtime: undefined,
    size,
    sha256: sha256.toString('hex') as AcceptedFile['sha256'],
    crc32: crc32 as Crc32,
    blockCrcs: Buffer.alloc(0),
    packOffset: 0,
  }
}
