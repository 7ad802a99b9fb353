import type { Sha256Hex } from '@lading/core'
import type { Database } from './database.ts'
import type { ScrubbedArtifact, ScrubPlace, Scrubs } from './delivery-catalog.ts'

interface Row extends Omit<ScrubbedArtifact, 'sha256' | 'object' | 'place'> {
  sha256: Buffer
  bucket: string
  key: string
  lastSeen: string
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

export function scrubsOf(db: Database): Scrubs {
  return {
    async begin(olderThanMs, only) {
      const [row] = await db.query<{ before: string }>(
        `SELECT (now() - :olderThanMs * interval '1 ms')::text AS before`,
        { olderThanMs },
      )
      return { before: row?.before ?? '-infinity', only, lastSeen: '-infinity', runId: NO_ID, path: '' }
    },
    async due(place, limit) {
      const { before, only, lastSeen, runId, path } = place
      const rows = await db.query<Row>(
        `SELECT run_id, path, tenant_id, file_id, size, sha256, bucket, key, etag, writers,
           coalesce(verified_at, stored_at)::text AS last_seen
         FROM artifacts
         WHERE path NOT LIKE '%/' AND state = 'stored' AND coalesce(verified_at, stored_at) < :before::timestamptz
           AND (coalesce(verified_at, stored_at), run_id, path) > (:lastSeen::timestamptz, :runId::uuid, :path)
           ${only.tenant === undefined ? '' : 'AND tenant_id = :tenant'}
           ${only.runId === undefined ? '' : 'AND run_id = :onlyRun::uuid'}
         ORDER BY coalesce(verified_at, stored_at), run_id, path LIMIT :limit`,
        {
          before,
          lastSeen,
          runId,
          path,
          limit,
          ...(only.tenant === undefined ? {} : { tenant: only.tenant }),
          ...(only.runId === undefined ? {} : { onlyRun: only.runId }),
        },
      )
      return rows.map((row) => scrubbed(row, place))
    },
    async found({ runId, path, fileId, object, etag, writers }, now) {
      const stood = await db.query(
        `UPDATE artifacts SET verified_at = now(), etag = coalesce(:newEtag, etag), rot = :rot,
           rotted_at = CASE WHEN :rot::text IS NOT NULL THEN coalesce(rotted_at, now()) END
         WHERE run_id = :runId AND path = :path AND state = 'stored'
           AND file_id = :fileId AND key = :key AND etag = :etag AND writers = :writers RETURNING 1`,
        {
          runId,
          path,
          fileId,
          key: object.key,
          etag,
          writers,
          newEtag: 'etag' in now ? now.etag : null,
          rot: 'rot' in now ? now.rot : null,
        },
      )
      return stood.length > 0
    },
    async summary() {
      const [row] = await db.query<{ rotted: number; oldestAgeMs: number | null }>(
        `SELECT (SELECT count(*) FROM artifacts WHERE rotted_at IS NOT NULL) AS rotted,
           (SELECT extract(epoch FROM now() - coalesce(verified_at, stored_at))::float8 * 1000 FROM artifacts
            WHERE path NOT LIKE '%/' ORDER BY coalesce(verified_at, stored_at), run_id, path LIMIT 1) AS oldest_age_ms`,
      )
      return { rotted: row?.rotted ?? 0, oldestAgeMs: row?.oldestAgeMs ?? 0 }
    },
  }
}

function scrubbed({ sha256, bucket, key, lastSeen, ...row }: Row, place: ScrubPlace): ScrubbedArtifact {
  const { runId, path } = row
  return {
    ...row,
    sha256: sha256.toString('hex') as Sha256Hex,
    object: { bucket, key },
    place: { ...place, lastSeen, runId, path },
  }
}
