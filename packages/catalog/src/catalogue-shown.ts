/**
 * The part of a statement that makes files artifacts, in place of those that were at their paths. Expects a CTE `shown`
 * with the columns of `files`, `tenant_id`, and where the object lies.
 */
export const CATALOGUE_SHOWN = `
  catalogued AS (
    INSERT INTO artifacts (run_id, path, tenant_id, file_id, job_id, size, sha256, crc32, bucket, key, etag, mode, mtime)
    SELECT run_id, path, tenant_id, file_id, job_id, size, sha256, crc32, bucket, key, etag, mode, mtime FROM shown
    ON CONFLICT (run_id, path) DO UPDATE SET file_id = excluded.file_id, job_id = excluded.job_id, size = excluded.size,
      sha256 = excluded.sha256, crc32 = excluded.crc32, bucket = excluded.bucket, key = excluded.key,
      etag = excluded.etag, mode = excluded.mode, mtime = excluded.mtime, state = 'stored', stored_at = now(),
      verified_at = NULL, rotted_at = NULL, rot = NULL
  )`
