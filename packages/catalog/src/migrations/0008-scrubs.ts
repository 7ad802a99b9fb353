import type { Knex } from 'knex'

/** When the objects of artifacts were last read back, and which were found to hold other bytes, or none. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE artifacts
      ADD COLUMN verified_at timestamptz,
      ADD COLUMN rotted_at   timestamptz,
      ADD COLUMN rot         text CHECK (rot IN ('missing', 'damaged')),
      ADD CONSTRAINT artifacts_rot_has_time CHECK ((rotted_at IS NULL) = (rot IS NULL));
    -- In the order in which they are read back: storing an object proves it, as reading it does.
    CREATE INDEX artifacts_to_verify ON artifacts (coalesce(verified_at, stored_at), run_id, path) WHERE path NOT LIKE '%/';
    CREATE INDEX artifacts_rotted ON artifacts (rotted_at) WHERE rotted_at IS NOT NULL;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP INDEX artifacts_to_verify, artifacts_rotted;
    ALTER TABLE artifacts DROP COLUMN verified_at, DROP COLUMN rotted_at, DROP COLUMN rot;
  `)
}
