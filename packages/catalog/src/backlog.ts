import type { Candidate, Ticket } from '@lading/core'
import type { Database } from './database.ts'
import type { Backlog } from './delivery-catalog.ts'
import { prepared } from './prepared.ts'

export function backlogOf(db: Database): Backlog {
  return {
    async held(route) {
      const rows = await db.query<{ tenantId: string; items: number }>(
        `SELECT tenant_id, count(*)::int AS items FROM work_items
         WHERE state = 'leased' AND route = :route GROUP BY tenant_id`,
        { route },
      )
      return new Map(rows.map((row) => [row.tenantId, row.items]))
    },
    async candidates(route, perTenant) {
      return await db.query<Candidate>(CANDIDATES, { route, perTenant })
    },
    async lease(workIds, leaseMs) {
      const rows = await db.query<Ticket>(
        prepared(`WITH free AS MATERIALIZED (
           SELECT work_id FROM work_items WHERE work_id = ANY (:workIds::uuid[]) AND state = 'ready' AND available_at <= now()
           ORDER BY work_id FOR UPDATE SKIP LOCKED
         )
         UPDATE work_items w SET state = 'leased', epoch = epoch + 1, leased_at = now(), taken_at = NULL, worker_id = NULL,
           lease_expires_at = now() + :leaseMs * interval '1 ms'
         FROM free WHERE w.work_id = free.work_id RETURNING w.work_id, w.epoch`),
        { workIds, leaseMs },
      )
      const tickets = new Map(rows.map((ticket) => [ticket.workId, ticket]))
      return workIds.flatMap((workId) => tickets.get(workId) ?? [])
    },
    async untaken(route, olderThanMs) {
      return await db.query<Ticket>(
        `SELECT work_id, epoch FROM work_items
         WHERE state = 'leased' AND route = :route AND taken_at IS NULL
           AND leased_at < now() - :olderThanMs * interval '1 ms'`,
        { route, olderThanMs },
      )
    },
    async unlease(tickets) {
      const rows = await db.query(
        `UPDATE work_items w SET state = 'ready', lease_expires_at = NULL
         FROM (
           SELECT w.work_id FROM work_items w JOIN unnest(:workIds::uuid[], :epochs::int[]) AS t(work_id, epoch) USING (work_id)
           WHERE w.epoch = t.epoch AND w.state = 'leased' AND w.taken_at IS NULL ORDER BY w.work_id FOR UPDATE OF w
         ) lost
         WHERE w.work_id = lost.work_id RETURNING 1`,
        ticketBindings(tickets),
      )
      return rows.length
    },
    async expire({ all } = { all: false }) {
      const rows = await db.query(
        `UPDATE work_items SET state = 'ready', available_at = now(), lease_expires_at = NULL, worker_id = NULL,
           expiries = expiries + CASE WHEN taken_at IS NULL THEN 0 ELSE 1 END, taken_at = NULL
         WHERE work_id IN (
           SELECT work_id FROM work_items WHERE state = 'leased' AND (:all OR lease_expires_at < now())
           ORDER BY work_id FOR UPDATE SKIP LOCKED
         ) RETURNING 1`,
        { all },
      )
      return rows.length
    },
    async overdue(route, olderThanMs, limit) {
      const rows = await db.query<{ workId: string }>(
        `SELECT work_id FROM work_items
         WHERE state = 'ready' AND route = :route AND created_at < now() - :olderThanMs * interval '1 ms'
           AND available_at <= now()
         ORDER BY created_at, work_id LIMIT :limit`,
        { route, olderThanMs, limit },
      )
      return rows.map((row) => row.workId)
    },
    async routes() {
      const rows = await db.query<{ route: string }>(
        `${READY_ROUTES} SELECT route FROM routes WHERE route IS NOT NULL`,
      )
      return rows.map((row) => row.route)
    },
    async depth() {
      return await db.query(
        `SELECT route, state, count(*)::int AS items, sum(bytes)::bigint AS bytes,
           (extract(epoch FROM now() - min(created_at)) * 1000)::float8 AS oldest_age_ms
         FROM work_items WHERE state IN ('ready', 'leased') GROUP BY route, state`,
      )
    },
  }
}

export function ticketBindings(tickets: readonly Ticket[]): { workIds: string[]; epochs: number[] } {
  return { workIds: tickets.map((ticket) => ticket.workId), epochs: tickets.map((ticket) => ticket.epoch) }
}

/** Distinct values by steps from one to the next in the index, where DISTINCT would read the whole backlog. */
const READY_ROUTES = `
WITH RECURSIVE routes AS (
  (SELECT min(route) AS route FROM work_items WHERE state = 'ready')
  UNION ALL
  SELECT (SELECT min(w.route) FROM work_items w WHERE w.state = 'ready' AND w.route > r.route) FROM routes r
  WHERE r.route IS NOT NULL
)`

const CANDIDATES = `
WITH RECURSIVE tenants AS (
  (SELECT min(tenant_id) AS tenant_id FROM work_items WHERE state = 'ready' AND route = :route)
  UNION ALL
  SELECT (SELECT min(w.tenant_id) FROM work_items w
          WHERE w.state = 'ready' AND w.route = :route AND w.tenant_id > t.tenant_id)
  FROM tenants t WHERE t.tenant_id IS NOT NULL
)
SELECT due.work_id, t.tenant_id, due.bytes FROM tenants t
CROSS JOIN LATERAL (
  SELECT work_id, bytes, available_at FROM work_items
  WHERE state = 'ready' AND route = :route AND tenant_id = t.tenant_id AND available_at <= now()
  ORDER BY available_at, work_id LIMIT :perTenant
) due
WHERE t.tenant_id IS NOT NULL
ORDER BY t.tenant_id, due.available_at, due.work_id`
