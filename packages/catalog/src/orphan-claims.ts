import { IS_LIVE } from './file-states.ts'

/**
 * The keys among those asked for that the catalog speaks of. An artifact's own key is spoken of, besides, whenever
 * anything is under way at its path without a new file having to begin: a writer, a file that is delivered and not shown
 * yet, an object at a staging key that will be moved there. A staging key is its file's for as long as there is the row of
 * it, and that is kept while the file may be retried.
 *
 * A deletion that the sweeper will do is left to it. It does those of paths that were ever accepted; others are what a
 * killed process has left of clearing up here, and taken over.
 */
export const CLAIMED = `
WITH asked AS (
  SELECT o.key, o.file_id, coalesce(o.path, f.path, '') AS path, f.state
  FROM unnest(:keys::text[], :paths::text[], :fileIds::uuid[]) AS o(key, path, file_id)
  LEFT JOIN files f ON f.file_id = o.file_id AND f.run_id = :runId
)
SELECT key FROM asked o WHERE
  o.key IN (SELECT key FROM uploads WHERE bucket = :bucket)
  OR o.key IN (SELECT key FROM unpublished WHERE bucket = :bucket)
  OR EXISTS (SELECT 1 FROM deletions d WHERE d.run_id = :runId AND d.path = o.path AND d.bucket = :bucket AND d.key = o.key
    AND d.deletion_id IS DISTINCT FROM :but::uuid AND (d.leased_until >= now() OR EXISTS (
      SELECT 1 FROM path_heads h WHERE h.run_id = d.run_id AND h.path = d.path)))
  OR o.file_id IS NULL AND (
    EXISTS (SELECT 1 FROM artifacts a WHERE a.run_id = :runId AND a.path = o.path)
    OR EXISTS (SELECT 1 FROM path_heads h JOIN files f ON f.file_id = h.head_file_id
      WHERE h.run_id = :runId AND h.path = o.path AND (h.writer_file_id IS NOT NULL OR f.state ${IS_LIVE}
        OR EXISTS (SELECT 1 FROM unpublished u WHERE u.file_id = f.file_id)
        OR EXISTS (SELECT 1 FROM staging s WHERE s.file_id = f.file_id))))
  OR o.file_id IS NOT NULL AND (
    o.state ${IS_LIVE}
    OR EXISTS (SELECT 1 FROM staging s WHERE s.file_id = o.file_id)
    OR EXISTS (SELECT 1 FROM artifacts a WHERE a.run_id = :runId AND a.path = o.path AND a.key = o.key))`
