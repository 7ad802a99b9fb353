import type { Knex } from 'knex'

/** Keys that clients show. Of a key only its SHA-256 is kept. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE api_keys (
      key_id       uuid PRIMARY KEY,
      tenant_id    text NOT NULL,
      name         text NOT NULL,
      scopes       text[] NOT NULL,
      prefix       text NOT NULL,
      hash         bytea NOT NULL UNIQUE,
      expires_at   timestamptz,
      revoked_at   timestamptz,
      -- To the hour.
      last_used_at timestamptz,
      created_at   timestamptz NOT NULL DEFAULT now()
    );
    CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, created_at);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE IF EXISTS api_keys')
}
