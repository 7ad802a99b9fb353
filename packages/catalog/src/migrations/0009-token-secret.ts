import type { Knex } from 'knex'

/** What tokens of runs are signed with, where no setting says: one for all processes, made by the first that needs it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE token_secret (
      sole       boolean PRIMARY KEY DEFAULT true CHECK (sole),
      secret     bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    );
    -- Nothing that is done for a tenant looks at it.
    ALTER TABLE token_secret ENABLE ROW LEVEL SECURITY;
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE IF EXISTS token_secret')
}
