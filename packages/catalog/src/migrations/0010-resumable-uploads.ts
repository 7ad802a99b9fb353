import type { Knex } from 'knex'
import { tenantWall } from './tenant-wall.ts'

/** Uploads that come in several requests, from the first until a while after they were accepted. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE resumable_uploads (
      -- The id of its pack as well.
      upload_id       uuid PRIMARY KEY,
      tenant_id       text NOT NULL,
      run_id          uuid NOT NULL,
      -- The open job that the file is added to.
      job_id          uuid,
      path            text COLLATE "C" NOT NULL,
      size            bigint NOT NULL CHECK (size >= 0),
      sha256          bytea,
      metadata        text NOT NULL,
      idempotency_key text,
      spool_id        text NOT NULL,
      -- Bytes that are on the disk of the spool, and promised.
      received        bigint NOT NULL DEFAULT 0 CHECK (received <= size),
      accepted_job_id uuid,
      -- The request that adds to it.
      holder          uuid,
      held_until      timestamptz,
      expires_at      timestamptz NOT NULL,
      created_at      timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX resumable_uploads_by_key ON resumable_uploads (tenant_id, idempotency_key)
      WHERE idempotency_key IS NOT NULL;
    CREATE INDEX resumable_uploads_unfinished ON resumable_uploads (tenant_id) WHERE accepted_job_id IS NULL;
    CREATE INDEX resumable_uploads_by_expiry ON resumable_uploads (spool_id, expires_at);
    ${tenantWall('resumable_uploads', { table: 'runs', by: ['run_id'] })}
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE IF EXISTS resumable_uploads')
}
