import type { ApiKeys, KeyRow } from '@lading/catalog'
import { isId, isScope, parseTenantId, type Scope } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { whole } from '../settings/kinds.ts'
import { withCatalog } from '../with-catalog.ts'

interface Json {
  readonly json: boolean
}

export interface CreateOptions extends Json {
  readonly tenant: string
  readonly name: string
  readonly scopes: string
  readonly days?: string
}

export interface ListOptions extends Json {
  readonly tenant?: string
}

export type RevokeOptions = Json

/** A key is printed once, when it is made. */
export function createKey(options: CreateOptions): Promise<void> {
  return withKeys((keys) => create(keys, options))
}

export function listKeys(options: ListOptions): Promise<void> {
  return withKeys((keys) => list(keys, options))
}

export function revokeKey(keyId: string, options: RevokeOptions): Promise<void> {
  return withKeys((keys) => revoke(keys, keyId, options))
}

async function create(keys: ApiKeys, options: CreateOptions): Promise<void> {
  const { key, row } = await keys.create(parseTenantId(options.tenant), {
    name: options.name,
    scopes: scopesOf(options.scopes),
    expiresAt: options.days === undefined ? undefined : endOf(options.days),
  })
  console.log(options.json ? JSON.stringify({ key, ...bodyOf(row) }) : `${key}\n\n${lineOf(row)}`)
}

async function list(keys: ApiKeys, options: ListOptions): Promise<void> {
  const rows = await keys.list(options.tenant === undefined ? undefined : parseTenantId(options.tenant))
  if (options.json) console.log(JSON.stringify({ keys: rows.map(bodyOf) }))
  else console.log(rows.length === 0 ? 'There are no keys.' : rows.map(lineOf).join('\n'))
}

async function revoke(keys: ApiKeys, keyId: string, options: RevokeOptions): Promise<void> {
  const row = isId(keyId) ? await keys.revoke(keyId) : undefined
  if (row === undefined) throw new LadingError('bad_request', `key_id: there is no key ${keyId}`)
  console.log(options.json ? JSON.stringify(bodyOf(row)) : lineOf(row))
}

async function withKeys(work: (keys: ApiKeys) => Promise<void>): Promise<void> {
  await withCatalog(({ keys }) => work(keys))
}

function scopesOf(text: string): Scope[] {
  return text.split(',').map((scope) => {
    if (isScope(scope)) return scope
    throw new LadingError('bad_request', `--scopes: "${scope}" is none of read, write, delete, admin`)
  })
}

function endOf(days: string): Date {
  const DAY_MS = 86_400_000
  return new Date(Date.now() + whole(1, 3650).parse(days) * DAY_MS)
}

function bodyOf(row: KeyRow) {
  return {
    key_id: row.keyId,
    tenant: row.tenantId,
    name: row.name,
    scopes: row.scopes,
    prefix: row.prefix,
    created_at: row.createdAt.toISOString(),
    expires_at: row.expiresAt?.toISOString() ?? null,
    revoked_at: row.revokedAt?.toISOString() ?? null,
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
  }
}

function lineOf(row: KeyRow): string {
  const state = row.revokedAt ? 'revoked' : row.expiresAt ? `until ${row.expiresAt.toISOString()}` : 'valid'
  const used = row.lastUsedAt ? `used ${row.lastUsedAt.toISOString()}` : 'never used'
  return `${row.keyId}  ${row.prefix}...  ${row.tenantId}  ${row.scopes.join(',')}  ${state}  ${used}  ${row.name}`
}
