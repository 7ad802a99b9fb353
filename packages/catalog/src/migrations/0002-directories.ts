import type { Knex } from 'knex'

/** Directories: open and atomic jobs, and what archives know of files besides their bytes. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE jobs
      ADD COLUMN kind text NOT NULL DEFAULT 'upload' CHECK (kind IN ('upload', 'delete')),
      ADD COLUMN atomic boolean NOT NULL DEFAULT false,
      ADD COLUMN directory text COLLATE "C" NOT NULL DEFAULT '',
      ADD COLUMN shards integer CHECK (shards > 0),
      ADD COLUMN expected_files integer,
      ADD COLUMN deadline timestamptz,
      ADD COLUMN sealed_at timestamptz;
    UPDATE jobs SET sealed_at = created_at;
    CREATE INDEX jobs_with_deadline ON jobs (deadline) WHERE state = 'open';
    -- Jobs that have nothing left to do but to be ended, or shown.
    CREATE INDEX jobs_to_end ON jobs (job_id) WHERE ended_at IS NULL AND state <> 'open'
      AND files_stored + files_failed + files_superseded + files_cancelled = files_total;
    -- Atomic jobs whose files have all been delivered are looked for here, should a worker die before it shows them.
    CREATE INDEX jobs_to_publish ON jobs (job_id) WHERE atomic AND state IN ('queued', 'running');

    CREATE TABLE job_shards (
      job_id    uuid NOT NULL REFERENCES jobs,
      shard     integer NOT NULL CHECK (shard >= 0),
      sealed_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (job_id, shard)
    );

    -- A directory's path ends in a slash: so it sorts with what lies in it, and is never a file's.
    ALTER TABLE files ADD COLUMN mode integer, ADD COLUMN mtime timestamptz;
    ALTER TABLE artifacts ADD COLUMN mode integer, ADD COLUMN mtime timestamptz;

    -- Delivered files of atomic jobs that are not shown yet, with where their objects lie.
    CREATE TABLE unpublished (
      file_id uuid PRIMARY KEY REFERENCES files,
      job_id  uuid NOT NULL,
      bucket  text NOT NULL,
      key     text COLLATE "C" NOT NULL,
      etag    text NOT NULL
    );
    CREATE INDEX unpublished_by_job ON unpublished (job_id);

    -- The job that a deletion belongs to, where a directory is deleted.
    ALTER TABLE deletions ADD COLUMN job_id uuid;
    -- A deletion goes when its object is gone, or when it is void: a newer artifact took the key. Either counts.
    CREATE FUNCTION count_deletions() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE jobs j SET files_stored = files_stored + g.files,
          bytes_done = CASE WHEN files_stored + g.files = files_total THEN bytes_total ELSE bytes_done END,
          state = CASE WHEN files_stored + g.files = files_total THEN 'completed' ELSE state END,
          ended_at = CASE WHEN files_stored + g.files = files_total THEN now() END
        FROM (SELECT job_id, count(*) AS files FROM gone WHERE job_id IS NOT NULL GROUP BY job_id) g
        WHERE j.job_id = g.job_id;
        RETURN NULL;
      END
    $$;
    CREATE TRIGGER count_deletions AFTER DELETE ON deletions
      REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION count_deletions();

    -- Keys beside the run's artifacts, to which files are delivered whose own keys still hold what is shown. Noted before
    -- they are written.
    CREATE TABLE staging (
      file_id    uuid PRIMARY KEY REFERENCES files,
      job_id     uuid NOT NULL,
      bucket     text NOT NULL,
      key        text COLLATE "C" NOT NULL,
      -- Until then, somebody copies the object to its file's own key.
      moving_until timestamptz
    );
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE IF EXISTS staging, unpublished, job_shards;
    DROP TRIGGER count_deletions ON deletions;
    DROP FUNCTION count_deletions;
    ALTER TABLE deletions DROP COLUMN job_id;
    ALTER TABLE jobs DROP COLUMN kind, DROP COLUMN atomic, DROP COLUMN directory, DROP COLUMN shards, DROP COLUMN expected_files,
      DROP COLUMN deadline, DROP COLUMN sealed_at;
    ALTER TABLE files DROP COLUMN mode, DROP COLUMN mtime;
    ALTER TABLE artifacts DROP COLUMN mode, DROP COLUMN mtime;
  `)
}
