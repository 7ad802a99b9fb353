import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { StoreFromOutside } from './system-store.ts'

export interface Audited {
  readonly databaseUrl: string
  readonly spoolDirectory: string
  readonly store: StoreFromOutside
}

/** What the audit found, and found to be right. */
export interface AuditReport {
  readonly jobs: Readonly<Record<string, number>>
  readonly files: Readonly<Record<string, number>>
  readonly artifacts: number
}

interface ArtifactRow {
  readonly run_id: string
  readonly path: string
  readonly key: string
  readonly size: string
  readonly sha256: string
  readonly state: string
}

/** What an audit failed by: what was accepted and is not there, what is there twice, and what nothing needs. */
export type Harm = 'lost' | 'duplicated' | 'orphaned'

export class AuditFailure extends Error {
  override readonly name = 'AuditFailure'
  readonly harm: Harm
  readonly count: number

  constructor(harm: Harm, count: number, message: string) {
    super(message)
    this.harm = harm
    this.count = count
  }
}

/** Far above what work, retries and sweeps need, milliseconds. */
const WITHIN_MS = 120_000

/**
 * Looks from outside, into Postgres, the object store and the spool, whether the promises hold: every job ends; every
 * artifact has its object, with that size and digest; nothing else is in the store, no upload is left open, and the
 * spool keeps what a file still needs and nothing more. Rejects with the first thing that is not so.
 */
export async function audit({ databaseUrl, spoolDirectory, store }: Audited): Promise<AuditReport> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const ask = async <Row extends object>(sql: string): Promise<Row[]> => (await client.query<Row>(sql)).rows
  try {
    for (const [what, sql] of Object.entries(UNENDED)) await mustEmpty('lost', what, () => ask(sql))
    for (const [what, sql] of Object.entries(LEFT_OVER)) await mustEmpty('orphaned', what, () => ask(sql))
    await mustEmpty('orphaned', 'multipart uploads in the store', () => store.uploads())
    await mustEmpty('orphaned', 'packs that nothing needs', () => unneededPacks(spoolDirectory, ask))
    for (const [what, sql] of Object.entries(WRONG)) await mustEmpty('duplicated', what, () => ask(sql))
    const artifacts = await ask<ArtifactRow>(ARTIFACTS)
    await mustEmpty('orphaned', 'objects without an artifact', async () => {
      const known = new Set(artifacts.map(({ key }) => key))
      return (await store.keys()).filter((key) => !known.has(key))
    })
    await checkObjects(store, artifacts)
    return {
      jobs: await countBy(ask, 'jobs'),
      files: await countBy(ask, 'files'),
      artifacts: artifacts.length,
    }
  } finally {
    await client.end()
  }
}

/** What ends by itself, in bounded time. */
const UNENDED = {
  'jobs that have not ended':
    "SELECT job_id, state, files_total, files_stored FROM jobs WHERE state NOT IN ('completed', 'failed', 'cancelled')",
  'work that is not done':
    "SELECT work_id, state, attempts, expiries, last_error FROM work_items WHERE state IN ('ready', 'leased')",
}

/** What goes away by itself, in bounded time. */
const LEFT_OVER = {
  'uploads in the ledger': 'SELECT * FROM uploads',
  'objects at staging keys': 'SELECT * FROM staging',
  'files that are still to be shown': 'SELECT * FROM unpublished',
  'parts in the ledger': 'SELECT * FROM upload_parts',
  'objects to be deleted': 'SELECT * FROM deletions',
  'artifacts being replaced': "SELECT run_id, path FROM artifacts WHERE state <> 'stored'",
  'writers of paths': 'SELECT * FROM path_heads WHERE writer_file_id IS NOT NULL',
  'packs of ended work': `SELECT pack_id FROM packs p WHERE dropped_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM work_items w WHERE w.pack_id = p.pack_id AND w.state <> 'done')`,
}

/** What must never be. */
const WRONG = {
  'objects of two artifacts':
    "SELECT bucket, key FROM artifacts WHERE path NOT LIKE '%/' GROUP BY 1, 2 HAVING count(*) > 1",
  'jobs that count their files wrongly': `SELECT job_id FROM jobs j JOIN (
      SELECT job_id, count(*) AS total, count(*) FILTER (WHERE state = 'stored') AS stored,
        count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'superseded') AS superseded,
        count(*) FILTER (WHERE state = 'cancelled') AS cancelled, sum(size) AS bytes FROM files GROUP BY 1) f USING (job_id)
    WHERE j.kind = 'upload' AND (j.files_total, j.files_stored, j.files_failed, j.files_superseded, j.files_cancelled, j.bytes_total)
      <> (f.total, f.stored, f.failed, f.superseded, f.cancelled, f.bytes)`,
  'artifacts that are not of the file accepted last': `SELECT a.run_id, a.path FROM artifacts a
    JOIN path_heads h USING (run_id, path) JOIN files f ON f.file_id = h.head_file_id
    WHERE f.state = 'stored' AND a.file_id <> f.file_id`,
  'tenants whose usage is not what they have': `SELECT tenant_id, u, a, p, r FROM tenants t
    CROSS JOIN LATERAL usage_of(t.tenant_id) u
    CROSS JOIN LATERAL (SELECT count(*) AS objects, coalesce(sum(size), 0) AS bytes FROM artifacts a WHERE a.tenant_id = t.tenant_id) a
    CROSS JOIN LATERAL (SELECT coalesce(sum(p.bytes), 0) AS bytes FROM packs p JOIN jobs j USING (job_id)
      WHERE j.tenant_id = t.tenant_id AND p.dropped_at IS NULL) p
    CROSS JOIN LATERAL (SELECT coalesce(sum(received), 0) AS bytes FROM resumable_uploads r
      WHERE r.tenant_id = t.tenant_id AND r.accepted_job_id IS NULL) r
    WHERE (u.objects, u.bytes, u.coming_objects, u.coming_bytes, u.spooled_bytes)
      <> (a.objects, a.bytes, 0, 0, p.bytes + r.bytes)`,
  'artifacts that are not what their file was': `SELECT a.run_id, a.path FROM artifacts a JOIN files f USING (file_id)
    WHERE f.state <> 'stored' OR (f.size, f.sha256, f.path) <> (a.size, a.sha256, a.path)`,
}

const ARTIFACTS =
  "SELECT run_id, path, key, size, encode(sha256, 'hex') AS sha256, state FROM artifacts WHERE path NOT LIKE '%/'"

type Ask = <Row extends object>(sql: string) => Promise<Row[]>

async function mustEmpty(harm: Harm, what: string, find: () => Promise<readonly unknown[]>): Promise<void> {
  const end = performance.now() + WITHIN_MS
  for (;;) {
    const found = await find()
    if (found.length === 0) return
    if (performance.now() > end) {
      const some = found.slice(0, 5).map((one) => JSON.stringify(one))
      throw new AuditFailure(
        harm,
        found.length,
        `There are ${found.length} ${what}, such as ${some.join(', ')}`,
      )
    }
    await delay(50)
  }
}

/** Packs that are being written, and sealed ones of which no failed file could be retried. */
async function unneededPacks(spool: string, ask: Ask): Promise<string[]> {
  const rows = await ask<{ pack_id: string }>("SELECT DISTINCT pack_id FROM work_items WHERE state <> 'done'")
  const needed = new Set(rows.map((row) => row.pack_id))
  const sealed = await readdir(join(spool, 'packs'))
  const unsealed = await readdir(join(spool, 'incoming'))
  return [...unsealed, ...sealed.filter((pack) => !needed.has(pack))]
}

async function checkObjects(store: StoreFromOutside, artifacts: readonly ArtifactRow[]): Promise<void> {
  const left = [...artifacts]
  const check = async () => {
    for (let artifact = left.pop(); artifact !== undefined; artifact = left.pop()) {
      const { size, sha256 } = await store.digest(artifact.key)
      if (String(size) === artifact.size && sha256 === artifact.sha256) continue
      const kept = `${artifact.size} bytes with SHA-256 ${artifact.sha256}`
      throw new AuditFailure(
        'lost',
        1,
        `${artifact.path} should be ${kept}, and its object has ${size} with ${sha256}`,
      )
    }
  }
  await Promise.all([check(), check(), check(), check()])
}

async function countBy(ask: Ask, table: 'jobs' | 'files'): Promise<Record<string, number>> {
  const rows = await ask<{ state: string; count: number }>(
    `SELECT state, count(*)::int AS count FROM ${table} GROUP BY state`,
  )
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}
