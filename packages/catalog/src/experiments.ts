import { newId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Experiments } from './catalog.ts'
import type { Walled } from './database.ts'
import type { Experiment } from './model.ts'
import { idOfCursor, pageOf } from './paging.ts'

interface Row {
  experimentId: string
  tenantId: string
  name: string
  bucket: string
  prefix: string
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
}

const COLUMNS = 'experiment_id, tenant_id, name, bucket, prefix, created_at, updated_at, deleted_at'

/** Where experiments lie that name no location. */
export interface DefaultPlace {
  readonly bucket: string
  /** Whether each tenant has a folder of its name, in which all of its default prefixes lie. */
  readonly tenantPrefix: boolean
}

export function experimentsOf(db: Walled, place: DefaultPlace): Experiments {
  const one = async (where: string, bindings: { tenant: TenantId; name?: string; experimentId?: string }) => {
    const [row] = await db
      .of(bindings.tenant)
      .query<Row>(`SELECT ${COLUMNS} FROM experiments WHERE ${where}`, bindings)
    return row && fromRow(row)
  }

  const setDeleted = async (tenant: TenantId, experimentId: string, deleted: boolean) => {
    const [row] = await db.of(tenant).query<Row>(
      `UPDATE experiments SET updated_at = now(), deleted_at = CASE WHEN :deleted THEN coalesce(deleted_at, now()) END
       WHERE tenant_id = :tenant AND experiment_id = :experimentId RETURNING ${COLUMNS}`,
      { tenant, experimentId, deleted },
    )
    return row && fromRow(row)
  }

  return {
    async create(tenant, { name, location }) {
      const experimentId = newId()
      const [row] = await db.of(tenant).query<Row>(
        `WITH tenant AS (INSERT INTO tenants (tenant_id) VALUES (:tenant) ON CONFLICT DO NOTHING)
         INSERT INTO experiments (experiment_id, tenant_id, name, bucket, prefix)
         VALUES (:experimentId, :tenant, :name, :bucket, :prefix)
         ON CONFLICT (tenant_id, name) DO NOTHING RETURNING ${COLUMNS}`,
        {
          tenant,
          experimentId,
          name,
          bucket: location?.bucket ?? place.bucket,
          prefix: location?.prefix ?? defaultPrefix(place, tenant, experimentId),
        },
      )
      if (row) return fromRow(row)
      const other = await one('tenant_id = :tenant AND name = :name', { tenant, name })
      throw new LadingError(
        'experiment_exists',
        other?.deletedAt
          ? `name: experiment ${other.experimentId} has this name and is deleted; restore it, or take another name`
          : `name: experiment ${other?.experimentId ?? ''} has this name`,
      )
    },
    get: (tenant, experimentId) =>
      one('tenant_id = :tenant AND experiment_id = :experimentId', { tenant, experimentId }),
    getByName: (tenant, name) => one('tenant_id = :tenant AND name = :name', { tenant, name }),
    async list(tenant, { limit, cursor, deleted }) {
      const rows = await db.of(tenant).query<Row>(
        `SELECT ${COLUMNS} FROM experiments
         WHERE tenant_id = :tenant AND (deleted_at IS NOT NULL) = :deleted
           AND (:after::uuid IS NULL OR experiment_id > :after::uuid)
         ORDER BY experiment_id LIMIT :rows`,
        { tenant, deleted, after: idOfCursor(cursor) ?? null, rows: limit + 1 },
      )
      return pageOf(rows.map(fromRow), limit, (experiment) => experiment.experimentId)
    },
    delete: (tenant, experimentId) => setDeleted(tenant, experimentId, true),
    restore: (tenant, experimentId) => setDeleted(tenant, experimentId, false),
  }
}

function defaultPrefix({ tenantPrefix }: DefaultPlace, tenant: TenantId, experimentId: string): string {
  return `${tenantPrefix ? `${tenant}/` : ''}experiments/${experimentId}/`
}

function fromRow(row: Row): Experiment {
  const { bucket, prefix, deletedAt, ...rest } = row
  return { ...rest, location: { bucket, prefix }, deletedAt: deletedAt ?? undefined }
}
