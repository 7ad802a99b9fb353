import { parseTenantId, type TenantId } from '@lading/core'
import { type Finding, Pace, type ScrubScope, scrubPass } from '@lading/worker'
import { readConfig } from '../config.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { bytes, duration, runId, whole } from '../settings/kinds.ts'
import { type StoredThings, withStoredThings } from '../stored-things.ts'
import { counted, inBytes } from '../terminal/figures.ts'
import { argument } from './argument.ts'

/** As they are typed. */
export interface VerifyArguments {
  readonly rate: string
  readonly objects: string
  readonly olderThan: string
  readonly tenant?: string
  readonly run?: string
  readonly json: boolean
}

/** Reads delivered objects back, and ends with 3 when some have rotted, with 4 when some could not be looked at. */
export async function runVerify(given: VerifyArguments): Promise<void> {
  const options = parse(given)
  await withStoredThings(readConfig(process.env), (things) => verify(things, options))
}

interface Options {
  readonly rate: number
  readonly objects: number
  readonly olderThan: number
  readonly tenant: TenantId | undefined
  readonly run: string | undefined
  readonly json: boolean
}

function parse({ rate, objects, olderThan, tenant, run, json }: VerifyArguments): Options {
  return {
    rate: argument(bytes, '--rate', rate),
    objects: argument(whole(1, 1_000_000), '--objects', objects),
    olderThan: argument(duration(), '--older-than', olderThan),
    tenant: tenant === undefined ? undefined : argument({ parse: parseTenantId }, '--tenant', tenant),
    run: run === undefined ? undefined : argument(runId, '--run', run),
    json,
  }
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
  if (sum.rotted > 0) process.exitCode = EXIT_CODES.rotted.code
  else if (sum.unchecked > 0) process.exitCode = EXIT_CODES.partial.code
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
