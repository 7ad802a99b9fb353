/**
 * The part of a statement that lets go of the keys of files that ended. Expects a CTE `moved` with the columns of `files`
 * as they are now. A key's writer that ended without having stored its file may have left an object all the same (it
 * was killed after the write and before the commit), which no artifact will ever claim: that is noted among the
 * deletions. Not due at once, since its last request may still be on its way.
 */
export const RELEASE_KEYS = `
  freed AS (
    UPDATE path_heads h SET writer_file_id = NULL FROM moved m
    WHERE h.run_id = m.run_id AND h.path = m.path AND h.writer_file_id = m.file_id
    RETURNING m.run_id, m.path, m.file_id, m.state
  ), stray AS (
    INSERT INTO deletions (run_id, path, bucket, key, file_id, available_at)
    SELECT f.run_id, f.path, r.bucket, r.prefix || f.path, f.file_id, now() + interval '10 s'
    FROM freed f JOIN runs r ON r.run_id = f.run_id WHERE f.state <> 'stored' AND f.path NOT LIKE '%/'
  )`
