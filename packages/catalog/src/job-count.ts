/**
 * The state of a job (row `j`) whose files have come to an end in these numbers, as an expression. An open job stays
 * open until it is sealed, and an atomic one runs on until its artifacts are shown. A job whose deadline passed has
 * failed, whatever came of its files; else it ends as cancelled when something was, or when it was to stop before it was
 * sealed or shown; else as failed when a file failed;
 * else as completed, superseded files included: a newer file was accepted for their paths, which is what the client
 * asked for.
 */
export function stateAfter(stored: string, failed: string, superseded: string, cancelled: string): string {
  return `CASE
    WHEN j.state = 'open' OR ${stored} + ${failed} + ${superseded} + ${cancelled} < j.files_total THEN j.state
    WHEN j.error_code = 'deadline_passed' THEN 'failed'
    WHEN ${cancelled} > 0 OR (j.cancel_requested_at IS NOT NULL AND (j.atomic OR j.sealed_at IS NULL)) THEN 'cancelled'
    WHEN ${failed} > 0 THEN 'failed'
    WHEN j.atomic THEN j.state
    ELSE 'completed' END`
}

/** Whether a state is one in which a job has ended, as a condition. */
export function isEnd(state: string): string {
  return `${state} IN ('completed', 'failed', 'cancelled')`
}

/** The job's files as they are counted now. */
export const AS_COUNTED = [
  'j.files_stored',
  'j.files_failed',
  'j.files_superseded',
  'j.files_cancelled',
] as const

/**
 * The part of a statement that moves a job's counters by the files that really moved, and ends the job with its last
 * file. Expects a CTE `moved` with the columns of `files` as they are now.
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
      state = ${afterTally()},
      ended_at = CASE WHEN ${isEnd(afterTally())} THEN now() END
    FROM tally t LEFT JOIN first_error e USING (job_id)
    WHERE j.job_id = t.job_id
    RETURNING j.job_id, j.ended_at, j.atomic AND j.ended_at IS NULL AND j.sealed_at IS NOT NULL
      AND j.files_stored + j.files_superseded = j.files_total AS to_publish
  )`

function afterTally(): string {
  return stateAfter(
    '(j.files_stored + t.stored)',
    '(j.files_failed + t.failed)',
    '(j.files_superseded + t.superseded)',
    '(j.files_cancelled + t.cancelled)',
  )
}
