import type { ObjectRef } from '@lading/core'
import type { Database } from './database.ts'
import { CLAIMED } from './orphan-claims.ts'

/** Where the objects of a run lie, and only those: its id is part of it. */
export interface RunPlace {
  readonly runId: string
  readonly bucket: string
  /** Before `artifacts/` and `staging/`; empty or with a slash at its end. */
  readonly root: string
}

/** An object of a run that may be nobody's. */
export interface Stray {
  readonly runId: string
  readonly object: ObjectRef
  /** By whose key: that of the artifact at this path, or the staging key of this file. */
  readonly of: { readonly path: string } | { readonly fileId: string }
}

/** The right to delete a stray: no file is let at its path for as long. */
export interface StrayLease {
  readonly deletionId: string
  readonly path: string
  /** Counting this one. */
  readonly attempts: number
}

export interface ListedUploadId {
  readonly key: string
  readonly uploadId: string
}

/** What lies in the store, and nothing in the catalog speaks of. */
export interface Orphans {
  /** Runs by id, after `after`: all, or only some. */
  places(
    after: string | undefined,
    only: { readonly tenant?: string; readonly runId?: string },
    limit: number,
  ): Promise<RunPlace[]>
  /** Of objects of one run, the keys of those that something in the catalog speaks of, or may come to. */
  claimed(strays: readonly Stray[]): Promise<Set<string>>
  /** Undefined: somebody deletes it already. A lease that ran out is taken over. */
  lease(stray: Stray, etag: string, leaseMs: number): Promise<StrayLease | undefined>
  /**
   * Whether it may be deleted now: the lease holds, and still nothing claims the object. Asked after the lease was
   * committed: a file that begins sees the lease from then on and waits, and one that began before is seen here.
   */
  confirm(stray: Stray, lease: StrayLease): Promise<boolean>
  /** Lets files at its path again. Nothing when another has taken the lease over. */
  release(lease: StrayLease): Promise<void>
  /**
   * Forgets leases that ran out, of paths that were never accepted: their holder was killed, and an object that is still
   * there is found again. How many.
   */
  forgetLeases(): Promise<number>
  /** Of uploads to keys of a bucket, those of which the ledger knows nothing. */
  unknownUploads(bucket: string, uploads: readonly ListedUploadId[]): Promise<ListedUploadId[]>
}

export function orphansOf(db: Database): Orphans {
  return {
    async places(after, only, limit) {
      return await db.query<RunPlace>(
        `SELECT run_id, bucket, left(prefix, -length('artifacts/')) AS root FROM runs
         WHERE (:after::uuid IS NULL OR run_id > :after) AND (:tenant::text IS NULL OR tenant_id = :tenant)
           AND (:runId::uuid IS NULL OR run_id = :runId) AND prefix LIKE '%artifacts/'
         ORDER BY run_id LIMIT :limit`,
        { after: after ?? null, tenant: only.tenant ?? null, runId: only.runId ?? null, limit },
      )
    },
    async claimed(strays) {
      const [first] = strays
      if (first === undefined) return new Set()
      const rows = await db.query<{ key: string }>(CLAIMED, askedOf(first, strays))
      return new Set(rows.map((row) => row.key))
    },
    async lease(stray, etag, leaseMs) {
      const { runId, object } = stray
      const [lease] = await db.query<StrayLease>(LEASE, { runId, ...object, ...ofOne(stray), etag, leaseMs })
      return lease
    },
    async confirm(stray, { deletionId, path, attempts }) {
      return await db.transaction(async (sql) => {
        await sql.query('SELECT 1 FROM path_heads WHERE run_id = :runId AND path = :path FOR UPDATE', {
          runId: stray.runId,
          path,
        })
        const held = await sql.query(
          `SELECT 1 FROM deletions WHERE deletion_id = :deletionId AND attempts = :attempts AND leased_until > now()`,
          { deletionId, attempts },
        )
        const claims = await sql.query(CLAIMED, askedOf(stray, [stray], deletionId))
        return held.length > 0 && claims.length === 0
      })
    },
    async release({ deletionId, attempts }) {
      await db.query('DELETE FROM deletions WHERE deletion_id = :deletionId AND attempts = :attempts', {
        deletionId,
        attempts,
      })
    },
    async forgetLeases() {
      const rows = await db.query(
        `DELETE FROM deletions d WHERE d.leased_until < now() AND d.etag IS NOT NULL AND d.job_id IS NULL
           AND NOT EXISTS (SELECT 1 FROM path_heads h WHERE h.run_id = d.run_id AND h.path = d.path) RETURNING 1`,
      )
      return rows.length
    },
    async unknownUploads(bucket, uploads) {
      return await db.query<ListedUploadId>(
        `SELECT o.key, o.upload_id FROM unnest(:keys::text[], :uploadIds::text[]) AS o(key, upload_id)
         WHERE NOT EXISTS (SELECT 1 FROM uploads u WHERE u.bucket = :bucket AND u.key = o.key
           AND (u.upload_id = o.upload_id OR u.upload_id IS NULL))`,
        {
          bucket,
          keys: uploads.map((upload) => upload.key),
          uploadIds: uploads.map((upload) => upload.uploadId),
        },
      )
    },
  }
}

function askedOf({ runId, object }: Stray, strays: readonly Stray[], but?: string) {
  const each = strays.map(ofOne)
  return {
    runId,
    bucket: object.bucket,
    keys: strays.map((stray) => stray.object.key),
    paths: each.map(({ path }) => path),
    fileIds: each.map(({ fileId }) => fileId),
    but: but ?? null,
  }
}

function ofOne({ of }: Stray): { path: string | null; fileId: string | null } {
  return 'path' in of ? { path: of.path, fileId: null } : { path: null, fileId: of.fileId }
}

/** A file that nobody knows has no path, and nobody to wait for. */
const LEASE = `
WITH place AS (
  SELECT coalesce(:path, (SELECT path FROM files WHERE file_id = :fileId::uuid AND run_id = :runId), '') AS path
), over AS (
  UPDATE deletions d SET etag = :etag, attempts = d.attempts + 1, leased_until = now() + :leaseMs * interval '1 ms'
  FROM place WHERE d.run_id = :runId AND d.path = place.path AND d.bucket = :bucket AND d.key = :key
    AND d.etag IS NOT NULL AND d.job_id IS NULL
    AND d.available_at <= now() AND (d.leased_until IS NULL OR d.leased_until < now())
  RETURNING d.deletion_id, d.path, d.attempts
), made AS (
  INSERT INTO deletions (run_id, path, bucket, key, etag, attempts, leased_until)
  SELECT :runId, place.path, :bucket, :key, :etag, 1, now() + :leaseMs * interval '1 ms' FROM place
  WHERE NOT EXISTS (
    SELECT 1 FROM deletions d WHERE d.run_id = :runId AND d.path = place.path AND d.bucket = :bucket AND d.key = :key)
  RETURNING deletion_id, path, attempts
)
SELECT * FROM over UNION ALL SELECT * FROM made LIMIT 1`
