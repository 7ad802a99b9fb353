import { access } from 'node:fs/promises'
import { parseTenantId, type TenantId } from '@lading/core'
import { openSpool } from '@lading/spool'
import { clearOrphans, clearPacks, type Orphan, type OrphanContext, type Unlisted } from '@lading/worker'
import { type Config, readConfig } from '../config.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { duration, runId } from '../settings/kinds.ts'
import { type StoredThings, withStoredThings } from '../stored-things.ts'
import { counted, inBytes } from '../terminal/figures.ts'
import { argument } from './argument.ts'
import { GarbageSum } from './garbage-sum.ts'

/** As they are typed. */
export interface GcArguments {
  readonly delete: boolean
  readonly olderThan: string
  readonly tenant?: string
  readonly run?: string
  readonly json: boolean
}

/** Lists what takes room and nothing needs, and removes it when asked to; ends with 4 when it could not look everywhere. */
export async function runGc(given: GcArguments): Promise<void> {
  const options = parse(given)
  const config = readConfig(process.env)
  await withStoredThings(config, (things) => collect(config, things, options))
}

interface Options {
  readonly remove: boolean
  readonly olderThanMs: number
  readonly tenant: TenantId | undefined
  readonly run: string | undefined
  readonly json: boolean
}

function parse({ delete: remove, olderThan, tenant, run, json }: GcArguments): Options {
  return {
    remove,
    olderThanMs: argument(duration(), '--older-than', olderThan),
    tenant: tenant === undefined ? undefined : argument({ parse: parseTenantId }, '--tenant', tenant),
    run: run === undefined ? undefined : argument(runId, '--run', run),
    json,
  }
}

async function collect(config: Config, things: StoredThings, options: Options): Promise<void> {
  const { catalog, store, signal } = things
  const { remove, olderThanMs, json, tenant, run } = options
  const sum = new GarbageSum()
  const context: OrphanContext = { catalog: catalog.delivery, store, config: config.worker }
  const tell = (found: Orphan | Unlisted) => {
    sum.add(found)
    console.log(json ? JSON.stringify(bodyOf(found)) : lineOf(found))
  }
  const scope = {
    remove,
    olderThanMs,
    ...(tenant === undefined ? {} : { tenant }),
    ...(run === undefined ? {} : { runId: run }),
  }
  await clearOrphans(context, scope, tell, signal)
  if (tenant === undefined && run === undefined) await lookThroughSpool(config, context, scope, tell, signal)
  console.log(json ? JSON.stringify({ sum: sum.body(remove) }) : sentenceOf(sum, remove))
  if (sum.failures > 0) process.exitCode = EXIT_CODES.partial.code
}

/** Where there is none, none is made. */
async function lookThroughSpool(
  config: Config,
  context: OrphanContext,
  scope: Parameters<typeof clearPacks>[2],
  tell: (found: Orphan) => void,
  signal: AbortSignal,
): Promise<void> {
  const isThere = await access(config.spool.directory).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  const spool = await openSpool(config.spool.directory, { lowWaterBytes: config.spool.lowWaterBytes })
  try {
    await clearPacks(context, spool, scope, tell, signal)
  } finally {
    await spool.close()
  }
}

function bodyOf(found: Orphan | Unlisted) {
  if (found.what === 'run') return { run: found.uri, error: found.failed.code, detail: found.failed.detail }
  const { what, uri, bytes, since, outcome } = found
  const how = typeof outcome === 'string' ? { outcome } : { outcome: 'failed', error: outcome.failed.code }
  return { what, uri, bytes, since: since.toISOString(), ...how }
}

function lineOf(found: Orphan | Unlisted): string {
  if (found.what === 'run') return `not listed  ${found.uri}: ${found.failed.detail}`
  const { what, uri, bytes, since, outcome } = found
  const how = typeof outcome === 'string' ? outcome : `failed: ${outcome.failed.detail}`
  return `${what}  ${inBytes(bytes)}  ${since.toISOString()}  ${uri}  ${how}`
}

function sentenceOf(sum: GarbageSum, removed: boolean): string {
  const { object, upload, pack } = sum.gone
  const all = `${counted(object.count, 'object')}, ${counted(upload.count, 'upload')} and ${counted(pack.count, 'pack')}`
  const failures = sum.failures > 0 ? ` ${sum.failures} could not be listed or removed.` : ''
  return removed
    ? `${all} removed; ${inBytes(sum.bytes)} freed.${failures}`
    : `${all} would be removed by --delete; it would free ${inBytes(sum.bytes)}.${failures}`
}
