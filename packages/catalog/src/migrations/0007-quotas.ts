import type { Knex } from 'knex'
import { COUNT_ARTIFACTS, coming, kept, metering, USAGE_OF } from './counting-usage.ts'

/**
 * What tenants may have, and what they have. Artifacts are counted for all. Jobs and packs are counted when their tenant has a
 * quota as they come (`metered`), and their changes then go where those of artifacts go; the others are looked at when usage
 * is asked for, so that accepting for a tenant without a quota writes nothing more. A row is of one kind for as long as it
 * lives: whatever quotas are set and cleared meanwhile, it counts once.
 *
 * A change is a row of its own, so that it waits for nobody and locks nothing that another could want. The functions are
 * the owner's, as whoever moves a row may not write usage by itself.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLES)
  await knex.raw(COUNT_ARTIFACTS)
  await knex.raw(
    metering('jobs', 'ended_at', { coming_objects: coming('files'), coming_bytes: coming('bytes') }),
  )
  await knex.raw(metering('packs', 'dropped_at', { spooled_bytes: kept }))
  await knex.raw(USAGE_OF)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP FUNCTION IF EXISTS usage_of(text)')
  for (const table of ['artifacts', 'jobs', 'packs']) {
    await knex.raw(`
      DROP TRIGGER count_inserted ON ${table};
      DROP TRIGGER count_updated ON ${table};
      DROP TRIGGER count_deleted ON ${table};
      DROP FUNCTION count_${table}();
    `)
  }
  await knex.raw(`
    ALTER TABLE jobs DROP COLUMN metered;
    ALTER TABLE packs DROP COLUMN metered;
    DROP TABLE rate_buckets, usage_changes, tenant_usage, quotas;
  `)
}

const COUNTERS = `
  objects        bigint NOT NULL DEFAULT 0,
  bytes          bigint NOT NULL DEFAULT 0,
  coming_objects bigint NOT NULL DEFAULT 0,
  coming_bytes   bigint NOT NULL DEFAULT 0,
  spooled_bytes  bigint NOT NULL DEFAULT 0`

const TABLES = `
-- NULL: as the settings have it for every tenant.
CREATE TABLE quotas (
  tenant_id       text PRIMARY KEY,
  bytes           bigint CHECK (bytes >= 0),
  objects         bigint CHECK (objects >= 0),
  spooled_bytes   bigint CHECK (spooled_bytes >= 0),
  request_rate    bigint CHECK (request_rate > 0),
  byte_rate       bigint CHECK (byte_rate > 0),
  uploads_at_once integer CHECK (uploads_at_once > 0),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
-- Artifacts, directories that came empty among them; files that were accepted and are not shown yet; bytes of packs.
CREATE TABLE tenant_usage (tenant_id text PRIMARY KEY, ${COUNTERS});
CREATE TABLE usage_changes (tenant_id text NOT NULL, ${COUNTERS});
CREATE INDEX usage_changes_by_tenant ON usage_changes (tenant_id);
-- What is left of a rate. Nothing is lost with it but a second's memory, so it is in no log.
CREATE UNLOGGED TABLE rate_buckets (
  tenant_id text NOT NULL,
  kind      text NOT NULL,
  tokens    double precision NOT NULL,
  granted   boolean NOT NULL,
  filled_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, kind)
);
ALTER TABLE quotas ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_changes ENABLE ROW LEVEL SECURITY;
ALTER TABLE rate_buckets ENABLE ROW LEVEL SECURITY;
`
