import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import type { TakenWork } from './delivery-catalog.ts'
import { failed, Harbour, openMigrated, SILENT } from './fixtures/harbour.ts'
import { othersWaitFor } from './fixtures/locks.ts'
import { type Fate, PATHS, Port } from './fixtures/port.ts'
import type { Catalog } from './open.ts'
import { NO_QUOTA } from './quotas.ts'

let catalog: Catalog
let db: Database

beforeAll(async () => {
  const url = await freshDatabase()
  catalog = await openMigrated(url)
  db = new Database({ url, poolSize: 2, timeoutMs: 10_000, log: SILENT })
})

afterAll(async () => {
  await catalog.close()
  await db.close()
})

const path = fc.constantFrom(...PATHS)
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('stores' as const) },
  fc.constantFrom(
    'fails' as const,
    'fails after the write' as const,
    'crashes' as const,
    'crashes after the write' as const,
    'hands back' as const,
  ),
)
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ accept: fc.shuffledSubarray([...PATHS], { minLength: 1 }) }) },
  { weight: 6, arbitrary: fc.record({ work: fate }) },
  { weight: 2, arbitrary: fc.record({ sweep: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ delete: path }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ retry: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ audit: path }) },
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

test('whatever clients, workers and sweepers do at once, in the end every job has ended and the store is as catalogued', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(action, { minLength: 10, maxLength: 25 }), { minLength: 3, maxLength: 5 }),
      fc.boolean(),
      async (lanes, metered) => {
        const harbour = await Harbour.open(catalog)
        if (metered) await catalog.api.quotas.set(harbour.tenant, { ...NO_QUOTA, objects: 10_000 })
        const port = new Port(harbour)
        await Promise.all(
          lanes.map(async (lane) => {
            for (const one of lane) await act(port, one)
          }),
        )
        await settleDown(harbour, port)
        await checkAll(harbour, port)
      },
    ),
    { numRuns: 15, endOnFailure: true },
  )
})

test.each([
  ['accepting', async (harbour: Harbour) => void (await harbour.accept(['b', 'a']))],
  ['beginning', async (harbour: Harbour, work: TakenWork) => void (await harbour.begin(reversed(work)))],
  [
    'settling',
    async (harbour: Harbour, work: TakenWork) => void (await harbour.settle(work, failed(reversed(work)))),
  ],
  [
    'cancelling',
    async (harbour: Harbour, { ticket, jobId }: TakenWork) => {
      await catalog.delivery.leases.handBack(ticket, { delayMs: 0, burn: false })
      await catalog.api.jobs.cancel(harbour.tenant, jobId)
    },
  ],
])('%s locks paths in their order, so that nobody waits crosswise', async (_, doing) => {
  const harbour = await Harbour.open(catalog)
  await harbour.accept(['b', 'a'])
  const work = await harbour.takeOne()
  await harbour.begin(work)
  let done: Promise<void> = Promise.resolve()
  await db.transaction(async (sql) => {
    const lock = (path: string) =>
      sql.query('SELECT 1 FROM path_heads WHERE run_id = :runId AND path = :path FOR UPDATE NOWAIT', {
        runId: harbour.run.runId,
        path,
      })
    await lock('a')
    done = doing(harbour, work)
    await until(() => othersWaitFor(sql), { within: 10_000 })
    await lock('b')
  })
  await done
})

function reversed(work: TakenWork): TakenWork {
  return { ...work, files: [...work.files].sort((one, other) => (one.path < other.path ? 1 : -1)) }
}

async function act(port: Port, one: Action): Promise<void> {
  if ('accept' in one) await port.accept(one.accept)
  else if ('work' in one) await port.work(one.work)
  else if ('delete' in one) await port.deleteArtifact(one.delete)
  else if ('cancel' in one) await port.changeJob('cancel', one.cancel)
  else if ('retry' in one) await port.changeJob('retry', one.retry)
  else if ('audit' in one) expect(await port.audit(one.audit)).toBeUndefined()
  else {
    await db.query('UPDATE deletions SET available_at = now() WHERE leased_until IS NULL')
    await port.sweep()
    await catalog.api.quotas.addUp()
  }
}

/** Workers that do not fail, and sweeps, until there is nothing more to do. */
async function settleDown(harbour: Harbour, port: Port): Promise<void> {
  await until(
    async () => {
      await port.work('stores')
      await db.query('UPDATE deletions SET available_at = now() WHERE leased_until IS NULL')
      const swept = await port.sweep()
      const left = await db.query(
        `SELECT 1 FROM work_items JOIN jobs USING (job_id)
         WHERE run_id = :runId AND work_items.state IN ('ready', 'leased') LIMIT 1`,
        { runId: harbour.run.runId },
      )
      return swept === 0 && left.length === 0
    },
    { within: 30_000, every: 0 },
  )
}

async function checkAll(harbour: Harbour, port: Port): Promise<void> {
  const { runId } = harbour.run
  const artifacts = await db.query<{ key: string; sha256: Buffer; state: string }>(
    'SELECT key, sha256, state FROM artifacts WHERE run_id = :runId',
    { runId },
  )
  expect(artifacts.every(({ state }) => state === 'stored')).toBe(true)
  const catalogued = artifacts.map(({ key, sha256 }): [string, string] => [key, sha256.toString('hex')])
  expect(new Map(catalogued)).toEqual(port.objects)
  for (const [what, text] of Object.entries(WRONG)) {
    expect({ [what]: await db.query(text, { runId }) }).toEqual({ [what]: [] })
  }
}

const WRONG = {
  'jobs that have not ended': `SELECT job_id FROM jobs WHERE run_id = :runId AND ended_at IS NULL`,
  'jobs whose state is not by the rule': `
    SELECT job_id, state FROM jobs WHERE run_id = :runId AND state <> CASE
      WHEN files_cancelled > 0 THEN 'cancelled' WHEN files_failed > 0 THEN 'failed' ELSE 'completed' END`,
  'jobs whose counters are not those of their files': `
    SELECT j.job_id FROM jobs j CROSS JOIN LATERAL (
      SELECT count(*) AS total, count(*) FILTER (WHERE state = 'stored') AS stored,
        count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'superseded') AS superseded,
        count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
        coalesce(sum(size) FILTER (WHERE state IN ('stored', 'superseded')), 0) AS done FROM files f WHERE f.job_id = j.job_id
    ) f WHERE j.run_id = :runId AND (f.total, f.stored, f.failed, f.superseded, f.cancelled, f.done)
      <> (j.files_total, j.files_stored, j.files_failed, j.files_superseded, j.files_cancelled, j.bytes_done)`,
  'work that needs its pack although nothing can be tried again': `
    SELECT w.work_id, w.state FROM work_items w JOIN jobs j USING (job_id) WHERE j.run_id = :runId AND w.state <> 'done'
      AND NOT EXISTS (SELECT 1 FROM files f WHERE f.work_id = w.work_id AND f.state = 'failed')`,
  'tenants whose usage is not the sum of what they have': `
    SELECT u, a, p FROM runs r CROSS JOIN LATERAL usage_of(r.tenant_id) u
    CROSS JOIN LATERAL (
      SELECT count(*) AS objects, coalesce(sum(size), 0) AS bytes FROM artifacts WHERE tenant_id = r.tenant_id) a
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(p.bytes), 0) AS bytes FROM packs p JOIN jobs j USING (job_id)
      WHERE j.tenant_id = r.tenant_id AND p.dropped_at IS NULL) p
    WHERE r.run_id = :runId AND (u.objects, u.bytes, u.coming_objects, u.coming_bytes, u.spooled_bytes)
      <> (a.objects, a.bytes, 0, 0, p.bytes)`,
  'keys that still have a writer': `SELECT path FROM path_heads WHERE run_id = :runId AND writer_file_id IS NOT NULL`,
  'deletions that are left': `SELECT path FROM deletions WHERE run_id = :runId`,
  'paths that have another file than the last, which was stored': `
    SELECT h.path FROM path_heads h JOIN files f ON f.file_id = h.head_file_id
    JOIN artifacts a ON a.run_id = h.run_id AND a.path = h.path
    WHERE h.run_id = :runId AND f.state = 'stored' AND a.file_id <> f.file_id`,
} as const
