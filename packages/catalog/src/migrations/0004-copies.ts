import type { Knex } from 'knex'

/**
 * Files that the store copies. Their work has no pack. What a tenant has of some content is found in its own part of the
 * index, so that nothing is to be learned from how long a look takes.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE work_items ALTER COLUMN pack_id DROP NOT NULL;
    CREATE INDEX artifacts_by_content ON artifacts (tenant_id, sha256) WHERE path NOT LIKE '%/';
  `)
}

/** The column may stay empty: rows of copies are there, and their going is for the migrations before this one. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX artifacts_by_content')
}
