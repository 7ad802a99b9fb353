import { idOfKey, newId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Runs } from './catalog.ts'
import type { Walled } from './database.ts'
import type { Run, RunStatus } from './model.ts'
import { idOfCursor, pageOf } from './paging.ts'
import { prepared } from './prepared.ts'

interface Row {
  runId: string
  tenantId: TenantId
  experimentId: string
  name: string
  status: RunStatus
  bucket: string
  prefix: string
  startedAt: Date
  endedAt: Date | null
}

const COLUMNS = 'run_id, tenant_id, experiment_id, name, status, bucket, prefix, started_at, ended_at'

export function runsOf(db: Walled): Runs {
  return {
    async create(tenant, { experimentId, name, key }) {
      const runId = key === undefined ? newId() : idOfKey([tenant, experimentId], key)
      const [row] = await db.of(tenant).query<Row>(
        `INSERT INTO runs (run_id, tenant_id, experiment_id, name, status, bucket, prefix)
         SELECT :runId, tenant_id, experiment_id, :name, 'RUNNING', bucket, prefix || :below
         FROM experiments
         WHERE tenant_id = :tenant AND experiment_id = :experimentId AND deleted_at IS NULL
         ON CONFLICT (run_id) DO NOTHING
         RETURNING ${COLUMNS}`,
        {
          runId,
          tenant,
          experimentId,
          name: name ?? `run-${runId.slice(-8)}`,
          below: `runs/${runId}/artifacts/`,
        },
      )
      if (row) return fromRow(row)
      const before = key === undefined ? undefined : await this.get(tenant, runId)
      if (before) return before
      const [deleted] = await db
        .of(tenant)
        .query('SELECT 1 FROM experiments WHERE tenant_id = :tenant AND experiment_id = :experimentId', {
          tenant,
          experimentId,
        })
      throw deleted
        ? new LadingError(
            'experiment_deleted',
            `experiment ${experimentId} is deleted; restore it to add runs`,
          )
        : new LadingError('experiment_not_found', `there is no experiment ${experimentId}`)
    },
    async get(tenant, runId) {
      const [row] = await db
        .of(tenant)
        .query<Row>(prepared(`SELECT ${COLUMNS} FROM runs WHERE tenant_id = :tenant AND run_id = :runId`), {
          tenant,
          runId,
        })
      return row && fromRow(row)
    },
    async update(tenant, runId, change) {
      const ends = change.status !== undefined && change.status !== 'RUNNING'
      const [row] = await db.of(tenant).query<Row>(
        `UPDATE runs SET updated_at = now(), status = coalesce(:status, status), name = coalesce(:name, name),
           ended_at = CASE WHEN :status = 'RUNNING' THEN NULL
                           ELSE coalesce(:endedAt, ended_at, CASE WHEN :ends THEN now() END) END
         WHERE tenant_id = :tenant AND run_id = :runId RETURNING ${COLUMNS}`,
        {
          tenant,
          runId,
          status: change.status ?? null,
          name: change.name ?? null,
          endedAt: change.endedAt ?? null,
          ends,
        },
      )
      return row && fromRow(row)
    },
    async listByExperiment(tenant, experimentId, { limit, cursor }) {
      const rows = await db.of(tenant).query<Row>(
        `SELECT ${COLUMNS} FROM runs
         WHERE tenant_id = :tenant AND experiment_id = :experimentId
           AND (:after::uuid IS NULL OR run_id > :after::uuid)
         ORDER BY run_id LIMIT :rows`,
        { tenant, experimentId, after: idOfCursor(cursor) ?? null, rows: limit + 1 },
      )
      return pageOf(rows.map(fromRow), limit, (run) => run.runId)
    },
  }
}

function fromRow(row: Row): Run {
  const { bucket, prefix, endedAt, ...rest } = row
  return { ...rest, location: { bucket, prefix }, endedAt: endedAt ?? undefined }
}
