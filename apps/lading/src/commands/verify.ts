import { parseTenantId, type TenantId } from '@lading/core'
import { type Finding, Pace, type ScrubScope, scrubPass } from '@lading/worker'
import { Command, Option } from 'commander'
import type { Config } from '../config.ts'
import { bytes, duration, runId, whole } from '../settings/kinds.ts'
import { type StoredThings, withStoredThings } from '../stored-things.ts'
import { argument } from './argument.ts'
import { counted, inBytes } from './figures.ts'

interface Options {
  rate: number
  objects: number
  olderThan: number
  tenant?: TenantId
  run?: string
  json: boolean
}

/** Reads delivered objects back, and ends with 3 when some have rotted, with 4 when some could not be looked at. */
export function verifyCommand(config: () => Config): Command {
  return new Command('verify')
    .description('read delivered objects back, compare them with the catalog, and mark what has rotted')
    .addOption(
      new Option('--rate <bytes>', 'the most bytes a second; 0 is no bound')
        .argParser(argument(bytes))
        .default(64 * 2 ** 20, '64MiB'),
    )
    .option('--objects <count>', 'the most objects a second', argument(whole(1, 1_000_000)), 500)
    .option(
      '--older-than <time>',
      'only what was not read or stored within this time, such as 24h',
      argument(duration()),
      0,
    )
    .option('--tenant <tenant>', 'only what is of this tenant', argument({ parse: parseTenantId }))
    .option('--run <run_id>', 'only what is of this run', argument(runId))
    .option('--json', 'print JSON: an object a line for each finding, and one for the sum', false)
    .action((options: Options) => withStoredThings(config(), (things) => verify(things, options)))
}

async function verify({ catalog, store, signal }: StoredThings, options: Options): Promise<void> {
  const { json } = options
  const pace = {
    bytes: new Pace(options.rate),
    objects: new Pace(options.objects),
  }
  const sum = { good: 0, rotted: 0, changed: 0, unchecked: 0, bytes: 0 }
  const tell = (finding: Finding) => {
    sum[finding.verdict]++
    if (finding.verdict === 'good') sum.bytes += finding.artifact.size
    if (finding.verdict !== 'rotted' && finding.verdict !== 'unchecked') return
    const uri = store.uri(finding.artifact.object)
    console.log(json ? JSON.stringify(bodyOf(finding, uri)) : lineOf(finding, uri))
  }
  await scrubPass({ catalog: catalog.delivery, store, pace }, scopeOf(options), tell, signal)
  console.log(json ? JSON.stringify({ sum }) : sentenceOf(sum))
  if (sum.rotted > 0) process.exitCode = 3
  else if (sum.unchecked > 0) process.exitCode = 4
}

function scopeOf({ olderThan, tenant, run }: Options): ScrubScope {
  return {
    olderThanMs: olderThan,
    ...(tenant === undefined ? {} : { tenant }),
    ...(run === undefined ? {} : { runId: run }),
  }
}

type Told = Extract<Finding, { readonly verdict: 'rotted' | 'unchecked' }>

function bodyOf(finding: Told, uri: string) {
  const { tenantId, runId, path, size, sha256 } = finding.artifact
  const what = finding.verdict === 'rotted' ? { rot: finding.rot } : { error: finding.error.code }
  return { verdict: finding.verdict, ...what, tenant: tenantId, run_id: runId, path, uri, size, sha256 }
}

function lineOf(finding: Told, uri: string): string {
  const { tenantId, runId, path } = finding.artifact
  const what = finding.verdict === 'rotted' ? finding.rot : `not checked: ${finding.error.detail}`
  return `${what}  ${uri}  (${path} of run ${runId}, tenant ${tenantId})`
}

function sentenceOf({ good, rotted, changed, unchecked, bytes }: Record<string, number>): string {
  return (
    `${counted(good ?? 0, 'object')} (${inBytes(bytes ?? 0)}) as the catalog says, ${rotted} rotted, ` +
    `${unchecked} could not be checked, ${changed} changed meanwhile.`
  )
}
