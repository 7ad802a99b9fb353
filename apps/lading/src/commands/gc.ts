import { access } from 'node:fs/promises'
import { parseTenantId, type TenantId } from '@lading/core'
import { openSpool } from '@lading/spool'
import { clearOrphans, clearPacks, type Orphan, type OrphanContext, type Unlisted } from '@lading/worker'
import { Command, Option } from 'commander'
import type { Config } from '../config.ts'
import { duration, runId } from '../settings/kinds.ts'
import { type StoredThings, withStoredThings } from '../stored-things.ts'
import { argument } from './argument.ts'
import { counted, inBytes } from './figures.ts'
import { GarbageSum } from './garbage-sum.ts'

interface Options {
  delete: boolean
  olderThan: number
  tenant?: TenantId
  run?: string
  json: boolean
}

const DAY_MS = 86_400_000

/** Lists what takes room and nothing needs, and removes it when asked to; ends with 4 when it could not look everywhere. */
export function gcCommand(config: () => Config): Command {
  return new Command('gc')
    .description('list objects, multipart uploads and packs that nothing needs; remove them with --delete')
    .option('--delete', 'remove what is found; else it is only listed', false)
    .addOption(
      new Option('--older-than <time>', 'only objects and uploads that are older')
        .argParser(argument(duration()))
        .default(DAY_MS, '24h'),
    )
    .option('--tenant <tenant>', 'only runs of this tenant, and no packs', argument({ parse: parseTenantId }))
    .option('--run <run_id>', 'only this run, and no packs', argument(runId))
    .option('--json', 'print JSON: an object a line for each finding, and one for the sum', false)
    .action((options: Options) => {
      const read = config()
      return withStoredThings(read, (things) => collect(read, things, options))
    })
}

async function collect(config: Config, things: StoredThings, options: Options): Promise<void> {
  const { catalog, store, signal } = things
  const { json, tenant, run } = options
  const sum = new GarbageSum()
  const context: OrphanContext = { catalog: catalog.delivery, store, config: config.worker }
  const tell = (found: Orphan | Unlisted) => {
    sum.add(found)
    console.log(json ? JSON.stringify(bodyOf(found)) : lineOf(found))
  }
  const scope = {
    remove: options.delete,
    olderThanMs: options.olderThan,
    ...(tenant === undefined ? {} : { tenant }),
    ...(run === undefined ? {} : { runId: run }),
  }
  await clearOrphans(context, scope, tell, signal)
  if (tenant === undefined && run === undefined) await lookThroughSpool(config, context, scope, tell, signal)
  console.log(json ? JSON.stringify({ sum: sum.body(options.delete) }) : sentenceOf(sum, options.delete))
  if (sum.failures > 0) process.exitCode = 4
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
