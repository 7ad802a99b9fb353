import type { Database } from './database.ts'
import type { Workers } from './delivery-catalog.ts'

export function workersOf(db: Database): Workers {
  return {
    async seen({ workerId, routes, slots }) {
      await db.query(
        `INSERT INTO workers (worker_id, routes, slots) VALUES (:workerId, :routes::text[], :slots)
         ON CONFLICT (worker_id) DO UPDATE SET routes = excluded.routes, slots = excluded.slots, seen_at = now()`,
        { workerId, routes, slots },
      )
    },
    async gone(workerId) {
      await db.query('DELETE FROM workers WHERE worker_id = :workerId', { workerId })
    },
    async slots(withinMs) {
      const rows = await db.query<{ route: string; slots: number }>(
        `SELECT route, sum(slots)::int AS slots FROM workers CROSS JOIN LATERAL unnest(routes) AS r(route)
         WHERE seen_at > now() - :withinMs * interval '1 ms' GROUP BY route`,
        { withinMs },
      )
      return new Map(rows.map((row) => [row.route, row.slots]))
    },
  }
}
