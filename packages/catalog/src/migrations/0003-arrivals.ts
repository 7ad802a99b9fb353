import type { Knex } from 'knex'

/**
 * Files of requests that are still arriving, of which the API does not hold all in memory. Unlogged: a crash of Postgres
 * takes away only what nobody has been promised yet.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE UNLOGGED TABLE arrivals (
      arrival_id uuid PRIMARY KEY,
      tenant_id  text NOT NULL,
      -- Renewed for as long as the request is under way; what was left by a killed API is known by its age.
      seen_at    timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNLOGGED TABLE arriving_files (
      arrival_id   uuid NOT NULL REFERENCES arrivals ON DELETE CASCADE,
      path         text COLLATE "C" NOT NULL,
      place        integer NOT NULL,
      file_id      uuid NOT NULL,
      work_id      uuid NOT NULL,
      is_directory boolean NOT NULL,
      size         bigint NOT NULL,
      sha256       bytea NOT NULL,
      crc32        bigint NOT NULL,
      block_crcs   bytea NOT NULL,
      pack_offset  bigint NOT NULL,
      mode         integer,
      mtime        timestamptz,
      PRIMARY KEY (arrival_id, path, place)
    );
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE IF EXISTS arriving_files, arrivals')
}
