import {
  type ApiKey,
  hashOfApiKey,
  newApiKey,
  newId,
  type Scope,
  shownPrefixOf,
  type TenantId,
} from '@lading/core'
import type { Database } from './database.ts'

/** A key, without what would let anyone use it. */
export interface KeyRow {
  readonly keyId: string
  readonly tenantId: TenantId
  readonly name: string
  readonly scopes: readonly Scope[]
  /** The first characters of the key. */
  readonly prefix: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** To the hour, so that a busy key is not written at each request. */
  readonly lastUsedAt: Date | null
}

export interface ApiKeys {
  /** The key is told here and never again. `expiresAt` undefined: it does not expire. */
  create(
    tenant: TenantId,
    given: { name: string; scopes: readonly Scope[]; expiresAt: Date | undefined },
  ): Promise<{ key: ApiKey; row: KeyRow }>
  /** Oldest first; of all tenants when none is named. Those that are revoked or expired as well. */
  list(tenant?: TenantId): Promise<KeyRow[]>
  /** Twice is success. Undefined: there is no such key. */
  revoke(keyId: string): Promise<KeyRow | undefined>
  /** Whom the key stands for, and notes that it was used. Undefined when it is unknown, revoked or expired. */
  use(key: ApiKey): Promise<KeyRow | undefined>
  /** Undefined when it is unknown, revoked or expired. */
  getValid(keyId: string): Promise<KeyRow | undefined>
}

const COLUMNS = `key_id AS "keyId", tenant_id AS "tenantId", name, scopes, prefix, created_at AS "createdAt",
  expires_at AS "expiresAt", revoked_at AS "revokedAt", last_used_at AS "lastUsedAt"`

const VALID = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())'

export function apiKeysOf(db: Database): ApiKeys {
  return {
    async create(tenant, { name, scopes, expiresAt }) {
      const key = newApiKey()
      const [row] = await db.query<KeyRow>(
        `INSERT INTO api_keys (key_id, tenant_id, name, scopes, prefix, hash, expires_at)
         VALUES (:keyId, :tenant, :name, :scopes::text[], :prefix, :hash, :expiresAt) RETURNING ${COLUMNS}`,
        {
          keyId: newId(),
          tenant,
          name,
          scopes: [...scopes],
          prefix: shownPrefixOf(key),
          hash: hashOfApiKey(key),
          expiresAt: expiresAt ?? null,
        },
      )
      return { key, row: row as KeyRow }
    },
    async list(tenant) {
      return await db.query<KeyRow>(
        `SELECT ${COLUMNS} FROM api_keys WHERE :tenant::text IS NULL OR tenant_id = :tenant ORDER BY created_at`,
        { tenant: tenant ?? null },
      )
    },
    async revoke(keyId) {
      const [row] = await db.query<KeyRow>(
        `UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE key_id = :keyId RETURNING ${COLUMNS}`,
        { keyId },
      )
      return row
    },
    async getValid(keyId) {
      const [row] = await db.query<KeyRow>(
        `SELECT ${COLUMNS} FROM api_keys WHERE key_id = :keyId AND ${VALID}`,
        {
          keyId,
        },
      )
      return row
    },
    async use(key) {
      const [row] = await db.query<KeyRow>(
        `WITH used AS (
           UPDATE api_keys SET last_used_at = date_trunc('hour', now())
           WHERE hash = :hash AND (last_used_at IS NULL OR last_used_at < date_trunc('hour', now())))
         SELECT ${COLUMNS} FROM api_keys
         WHERE hash = :hash AND ${VALID}`,
        { hash: hashOfApiKey(key) },
      )
      return row
    },
  }
}
