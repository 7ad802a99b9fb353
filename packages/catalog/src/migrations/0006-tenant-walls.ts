import type { Knex } from 'knex'
import { labelSome, type Parent, TENANT_ROLE, tenantLabel, tenantWall } from './tenant-wall.ts'

const JOB: Parent = { table: 'jobs', by: ['job_id'] }
const RUN: Parent = { table: 'runs', by: ['run_id'] }

/** Tables that have said from the first whose their rows are. */
const LABELLED: Readonly<Record<string, Parent | undefined>> = {
  tenants: undefined,
  experiments: undefined,
  runs: { table: 'experiments', by: ['experiment_id'] },
  jobs: RUN,
  work_items: JOB,
  artifacts: RUN,
  idempotency_keys: undefined,
  arrivals: undefined,
}

/** The others, parents first. */
const UNLABELLED: Readonly<Record<string, Parent>> = {
  packs: JOB,
  job_shards: JOB,
  files: { table: 'jobs', by: ['job_id', 'run_id'] },
  path_heads: RUN,
  uploads: JOB,
  upload_parts: { table: 'uploads', by: ['file_id'] },
  unpublished: JOB,
  staging: JOB,
  deletions: RUN,
  arriving_files: { table: 'arrivals', by: ['arrival_id'] },
}

/** Row-level security: a statement of one tenant that forgets to say so finds nothing of another's. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(ROLE)
  for (const [table, parent] of Object.entries(LABELLED)) await knex.raw(tenantWall(table, parent))
  for (const [table, parent] of Object.entries(UNLABELLED)) {
    await knex.raw(tenantLabel(table, parent))
    await labelAll(knex, table, parent)
    await knex.raw(tenantWall(table, parent))
  }
  // Nothing that is done for a tenant looks at keys.
  await knex.raw('ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY')
}

/** The role stays: other databases of the server may use it. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('ALTER TABLE api_keys DISABLE ROW LEVEL SECURITY')
  for (const table of Object.keys({ ...LABELLED, ...UNLABELLED })) {
    await knex.raw(`
      DROP POLICY tenant ON ${table};
      DROP POLICY IF EXISTS parent ON ${table};
      ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;
      REVOKE ALL ON ${table} FROM ${TENANT_ROLE};
    `)
  }
  for (const table of Object.keys(UNLABELLED)) {
    await knex.raw(`
      DROP TRIGGER label ON ${table};
      DROP FUNCTION label_${table};
      ALTER TABLE ${table} DROP COLUMN tenant_id;
    `)
  }
}

/** In steps, each of which ends within the time that a statement may take. */
async function labelAll(knex: Knex, table: string, parent: Parent): Promise<void> {
  const ROWS = 50_000
  for (;;) {
    const { rowCount } = await knex.raw(labelSome(table, parent, ROWS))
    if (rowCount < ROWS) return
  }
}

/** Roles are the server's, not the database's: another database, or another process at this moment, may have made it. */
const ROLE = `
DO $$ BEGIN
  BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '${TENANT_ROLE}') THEN
      CREATE ROLE ${TENANT_ROLE} NOLOGIN;
    END IF;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
  END;
  IF NOT pg_has_role(current_user, '${TENANT_ROLE}',
    CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)
  THEN
    EXECUTE format('GRANT ${TENANT_ROLE} TO %I', current_user);
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO ${TENANT_ROLE}', current_schema());
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'the role ${TENANT_ROLE} can be neither made nor used by %: a superuser has to run CREATE ROLE ${TENANT_ROLE} NOLOGIN (unless it is there) and GRANT ${TENANT_ROLE} TO %', current_user, quote_ident(current_user)
    USING ERRCODE = 'insufficient_privilege';
END $$`
