import type { Knex } from 'knex'

/**
 * The catalog as a whole. Ids are UUIDv7, so that primary keys grow at one end of their index. Paths are compared by
 * bytes (`COLLATE "C"`): listing order is then the same everywhere, and a prefix is a range of the index.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE IF EXISTS workers, idempotency_keys, deletions, artifacts, upload_parts, uploads, path_heads, files, work_items,
      packs, jobs, runs, experiments, tenants;
  `)
}

const TABLES = `
CREATE TABLE tenants (
  tenant_id  text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE experiments (
  experiment_id uuid PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  name          text NOT NULL,
  bucket        text NOT NULL,
  prefix        text COLLATE "C" NOT NULL,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now(),
  deleted_at    timestamptz,
  UNIQUE (tenant_id, name)
);
CREATE INDEX experiments_by_tenant ON experiments (tenant_id, experiment_id);

CREATE TABLE runs (
  run_id        uuid PRIMARY KEY,
  tenant_id     text NOT NULL REFERENCES tenants,
  experiment_id uuid NOT NULL REFERENCES experiments,
  name          text NOT NULL,
  status        text NOT NULL CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED', 'KILLED')),
  bucket        text NOT NULL,
  prefix        text COLLATE "C" NOT NULL,
  started_at    timestamptz NOT NULL DEFAULT now(),
  ended_at      timestamptz,
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX runs_by_experiment ON runs (experiment_id, run_id);

CREATE TABLE jobs (
  job_id              uuid PRIMARY KEY,
  tenant_id           text NOT NULL,
  run_id              uuid NOT NULL REFERENCES runs,
  state               text NOT NULL CHECK (state IN ('open', 'queued', 'running', 'completed', 'failed', 'cancelled')),
  files_total         integer NOT NULL DEFAULT 0,
  files_stored        integer NOT NULL DEFAULT 0,
  files_failed        integer NOT NULL DEFAULT 0,
  files_superseded    integer NOT NULL DEFAULT 0,
  files_cancelled     integer NOT NULL DEFAULT 0,
  bytes_total         bigint NOT NULL DEFAULT 0,
  bytes_done          bigint NOT NULL DEFAULT 0,
  error_code          text,
  error_detail        text,
  error_path          text,
  created_at          timestamptz NOT NULL DEFAULT now(),
  started_at          timestamptz,
  ended_at            timestamptz,
  cancel_requested_at timestamptz,
  CHECK (files_stored + files_failed + files_superseded + files_cancelled <= files_total)
);
CREATE INDEX jobs_by_run ON jobs (run_id, job_id);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, job_id);

CREATE TABLE packs (
  pack_id    uuid PRIMARY KEY,
  spool_id   text NOT NULL,
  job_id     uuid NOT NULL REFERENCES jobs,
  bytes      bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  dropped_at timestamptz
);
CREATE INDEX packs_kept ON packs (spool_id, created_at) WHERE dropped_at IS NULL;
CREATE INDEX packs_by_job ON packs (job_id);

CREATE TABLE work_items (
  work_id          uuid PRIMARY KEY,
  job_id           uuid NOT NULL REFERENCES jobs,
  tenant_id        text NOT NULL,
  route            text NOT NULL,
  pack_id          uuid NOT NULL REFERENCES packs,
  bytes            bigint NOT NULL,
  state            text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done', 'dead')),
  epoch            integer NOT NULL DEFAULT 0,
  attempts         integer NOT NULL DEFAULT 0,
  expiries         integer NOT NULL DEFAULT 0,
  available_at     timestamptz NOT NULL DEFAULT now(),
  leased_at        timestamptz,
  lease_expires_at timestamptz,
  taken_at         timestamptz,
  worker_id        text,
  last_error_code  text,
  last_error       text,
  created_at       timestamptz NOT NULL DEFAULT now()
);
-- The backlog, as the dispatcher reads it: the tenants of a route, and the oldest of each.
CREATE INDEX work_items_ready ON work_items (route, tenant_id, available_at, work_id) WHERE state = 'ready';
CREATE INDEX work_items_leased ON work_items (lease_expires_at) WHERE state = 'leased';
CREATE INDEX work_items_by_job ON work_items (job_id);
-- The work that still needs its pack, or would if it were tried again: a pack without any can go.
CREATE INDEX work_items_needing_pack ON work_items (pack_id) WHERE state <> 'done';

-- The state is in no index, so that a move of it can be an update in place.
CREATE TABLE files (
  file_id      uuid PRIMARY KEY,
  job_id       uuid NOT NULL REFERENCES jobs,
  work_id      uuid NOT NULL REFERENCES work_items,
  run_id       uuid NOT NULL,
  path         text COLLATE "C" NOT NULL,
  size         bigint NOT NULL,
  sha256       bytea NOT NULL CHECK (length(sha256) = 32),
  crc32        bigint NOT NULL,
  block_crcs   bytea NOT NULL,
  pack_offset  bigint NOT NULL,
  state        text NOT NULL DEFAULT 'spooled'
               CHECK (state IN ('spooled', 'uploading', 'stored', 'failed', 'superseded', 'cancelled')),
  error_code   text,
  error_detail text,
  accepted_at  timestamptz NOT NULL DEFAULT now(),
  ended_at     timestamptz
);
CREATE INDEX files_by_job ON files (job_id, file_id);
CREATE INDEX files_by_work ON files (work_id);

-- For each path of a run: the file that was accepted last, and the file that may write its object. The row's lock
-- orders accepts of one path, and makes sure that one key has one writer at a time.
CREATE TABLE path_heads (
  run_id         uuid NOT NULL,
  path           text COLLATE "C" NOT NULL,
  head_file_id   uuid NOT NULL,
  writer_file_id uuid,
  PRIMARY KEY (run_id, path)
);

-- The multipart ledger. A row without an upload_id says that one may have been begun and its id lost.
CREATE TABLE uploads (
  file_id    uuid PRIMARY KEY REFERENCES files,
  job_id     uuid NOT NULL,
  bucket     text NOT NULL,
  key        text COLLATE "C" NOT NULL,
  upload_id  text,
  part_size  bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_by_job ON uploads (job_id);
CREATE TABLE upload_parts (
  file_id     uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
  part_number integer NOT NULL CHECK (part_number BETWEEN 1 AND 10000),
  etag        text NOT NULL,
  size        bigint NOT NULL,
  crc32       bigint,
  PRIMARY KEY (file_id, part_number)
);

CREATE TABLE artifacts (
  run_id    uuid NOT NULL REFERENCES runs,
  path      text COLLATE "C" NOT NULL,
  tenant_id text NOT NULL,
  file_id   uuid NOT NULL,
  job_id    uuid NOT NULL,
  size      bigint NOT NULL,
  sha256    bytea NOT NULL,
  crc32     bigint NOT NULL,
  bucket    text NOT NULL,
  key       text COLLATE "C" NOT NULL,
  etag      text NOT NULL,
  state     text NOT NULL DEFAULT 'stored' CHECK (state IN ('stored', 'replacing')),
  -- Counts the writers that were let at its object, so that what was proven before one came is not believed after it.
  writers   integer NOT NULL DEFAULT 0,
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, path)
);
CREATE INDEX artifacts_replacing ON artifacts (stored_at) WHERE state = 'replacing';

-- Objects that no artifact claims and that are still to be deleted: those of deleted artifacts, known by their ETag, and
-- those that a file which was given up may have left, known by what the file's bytes are.
CREATE TABLE deletions (
  deletion_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  run_id       uuid NOT NULL,
  path         text COLLATE "C" NOT NULL,
  bucket       text NOT NULL,
  key          text COLLATE "C" NOT NULL,
  etag         text,
  file_id      uuid,
  attempts     integer NOT NULL DEFAULT 0,
  available_at timestamptz NOT NULL DEFAULT now(),
  leased_until timestamptz,
  last_error   text,
  CHECK ((etag IS NULL) <> (file_id IS NULL))
);
CREATE INDEX deletions_due ON deletions (available_at);
CREATE INDEX deletions_by_path ON deletions (run_id, path);

CREATE TABLE idempotency_keys (
  tenant_id    text NOT NULL,
  key          text NOT NULL,
  request      text NOT NULL,
  content      text,
  job_id       uuid REFERENCES jobs,
  locked_by    uuid,
  locked_until timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Who delivers: how many tickets a route can take at once.
CREATE TABLE workers (
  worker_id text PRIMARY KEY,
  routes    text[] NOT NULL,
  slots     integer NOT NULL,
  seen_at   timestamptz NOT NULL DEFAULT now()
);
`
