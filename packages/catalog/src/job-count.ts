/**
 * The part of a statement that moves a job's counters by the files that really moved, and ends the job with its last
 * file. Expects a CTE `moved` with the columns of `files` as they are now. A job ends as cancelled when it was asked
 * to and something was; else as failed when a file failed; else as completed, superseded files included: a newer
 * file was accepted for their paths, which is what the client asked for.
 */
export const COUNT_MOVED = `
  tally AS (
    SELECT job_id, count(*) FILTER (WHERE state = 'stored') AS stored,
      count(*) FILTER (WHERE state = 'failed') AS failed,
      count(*) FILTER (WHERE state = 'superseded') AS superseded,
      count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
      coalesce(sum(size) FILTER (WHERE state IN ('stored', 'superseded')), 0) AS bytes
    FROM moved GROUP BY job_id
  ), first_error AS (
    SELECT DISTINCT ON (job_id) job_id, error_code, error_detail, path
    FROM moved WHERE state = 'failed' ORDER BY job_id, file_id
  ), counted AS (
    UPDATE jobs j SET
      files_stored = files_stored + t.stored,
      files_failed = files_failed + t.failed,
      files_superseded = files_superseded + t.superseded,
      files_cancelled = files_cancelled + t.cancelled,
      bytes_done = bytes_done + t.bytes,
      error_code = coalesce(j.error_code, e.error_code),
      error_detail = CASE WHEN j.error_code IS NULL THEN e.error_detail ELSE j.error_detail END,
      error_path = CASE WHEN j.error_code IS NULL THEN e.path ELSE j.error_path END,
      state = CASE
        WHEN files_stored + files_failed + files_superseded + files_cancelled
          + t.stored + t.failed + t.superseded + t.cancelled < files_total OR j.state = 'open' THEN j.state
        WHEN files_cancelled + t.cancelled > 0 THEN 'cancelled'
        WHEN files_failed + t.failed > 0 THEN 'failed'
        ELSE 'completed' END,
      ended_at = CASE
        WHEN files_stored + files_failed + files_superseded + files_cancelled
          + t.stored + t.failed + t.superseded + t.cancelled < files_total OR j.state = 'open' THEN NULL
        ELSE now() END
    FROM tally t LEFT JOIN first_error e USING (job_id)
    WHERE j.job_id = t.job_id
    RETURNING j.job_id, j.ended_at
  )`
