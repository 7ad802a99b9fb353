import { NO_QUOTA, type Quota, type Quotas, type Usage } from '@lading/catalog'
import { parseTenantId, type TenantId } from '@lading/core'
import { bytes, whole } from '../settings/kinds.ts'
import { UsageError } from '../usage-error.ts'
import { withCatalog } from '../with-catalog.ts'
import { argument } from './argument.ts'

interface Json {
  readonly json: boolean
}

export interface ShowQuotasOptions extends Json {
  readonly tenant?: string
}

export interface SetQuotaOptions extends Json {
  readonly tenant: string
  readonly bytes?: string
  readonly objects?: string
  readonly spooled?: string
  readonly requestRate?: string
  readonly byteRate?: string
  readonly uploads?: string
}

export interface ClearQuotaOptions extends Json {
  readonly tenant: string
}

/** What a tenant may have and has; or what was set, by tenant. */
export function showQuotas({ tenant, json }: ShowQuotasOptions): Promise<void> {
  return withCatalog(async ({ quotas }) => {
    const given = tenant === undefined ? undefined : parseTenantId(tenant)
    const tenants = given === undefined ? (await quotas.list()).map((row) => row.tenantId) : [given]
    const standings = await Promise.all(tenants.map((one) => standingOf(quotas, one)))
    if (json) console.log(JSON.stringify({ quotas: standings.map(bodyOf) }))
    else if (standings.length === 0) console.log('No tenant has a quota of its own.')
    else console.log(standings.map(linesOf).join('\n\n'))
  })
}

/** Sets those that are given, and leaves the others as they are. */
export function setQuota(options: SetQuotaOptions): Promise<void> {
  const tenant = parseTenantId(options.tenant)
  const given = quotaOf(options)
  if (Object.keys(given).length === 0) throw new UsageError('give what to set, such as --bytes 500GiB')
  return withCatalog(async ({ quotas }) => {
    const before = (await quotas.list()).find((row) => row.tenantId === tenant)
    await quotas.set(tenant, { ...(before?.quota ?? NO_QUOTA), ...given })
    print(await standingOf(quotas, tenant), options)
  })
}

/** The tenant has the defaults of the settings again. */
export function clearQuota(options: ClearQuotaOptions): Promise<void> {
  const tenant = parseTenantId(options.tenant)
  return withCatalog(async ({ quotas }) => {
    await quotas.clear(tenant)
    print(await standingOf(quotas, tenant), options)
  })
}

interface Standing {
  readonly tenant: TenantId
  readonly quota: Quota
  readonly usage: Usage
}

async function standingOf(quotas: Quotas, tenant: TenantId): Promise<Standing> {
  return { tenant, quota: await quotas.of(tenant), usage: await quotas.usage(tenant) }
}

function quotaOf(options: SetQuotaOptions): Partial<Quota> {
  const rate = whole(1, 1_000_000_000)
  const given = {
    bytes: read(bytes, '--bytes', options.bytes),
    objects: read(whole(0, Number.MAX_SAFE_INTEGER), '--objects', options.objects),
    spooledBytes: read(bytes, '--spooled', options.spooled),
    requestsPerSecond: read(rate, '--request-rate', options.requestRate),
    bytesPerSecond: read(bytes, '--byte-rate', options.byteRate),
    uploadsAtOnce: read(whole(1, 100_000), '--uploads', options.uploads),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function read(kind: { parse(text: string): number }, option: string, text: string | undefined) {
  return text === undefined ? undefined : argument(kind, option, text)
}

function print(standing: Standing, { json }: Json): void {
  console.log(json ? JSON.stringify(bodyOf(standing)) : linesOf(standing))
}

function bodyOf({ tenant, quota, usage }: Standing) {
  return {
    tenant,
    bytes: { used: usage.bytes, coming: usage.comingBytes, allowed: quota.bytes ?? null },
    objects: { used: usage.objects, coming: usage.comingObjects, allowed: quota.objects ?? null },
    spooled_bytes: { used: usage.spooledBytes, allowed: quota.spooledBytes ?? null },
    requests_per_second: quota.requestsPerSecond ?? null,
    bytes_per_second: quota.bytesPerSecond ?? null,
    uploads_at_once: quota.uploadsAtOnce ?? null,
  }
}

function linesOf({ tenant, quota, usage }: Standing): string {
  return [
    tenant,
    `  bytes            ${used(usage.bytes, usage.comingBytes, quota.bytes)}`,
    `  objects          ${used(usage.objects, usage.comingObjects, quota.objects)}`,
    `  spooled bytes    ${used(usage.spooledBytes, 0, quota.spooledBytes)}`,
    `  requests a second ${limit(quota.requestsPerSecond)}`,
    `  bytes a second   ${limit(quota.bytesPerSecond)}`,
    `  uploads at once  ${limit(quota.uploadsAtOnce)}`,
  ].join('\n')
}

function used(has: number, coming: number, allowed: number | undefined): string {
  return `${has}${coming === 0 ? '' : ` and ${coming} to come`} of ${limit(allowed)}`
}

function limit(allowed: number | undefined): string {
  return allowed === undefined ? 'any number' : String(allowed)
}
