import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type System, startSystem } from '../support/system.ts'
import { Checkpoints } from './checkpoints.ts'
import type { FaultCase } from './fault-case.ts'
import type { FaultServers } from './fault-servers.ts'
import { Ledger } from './ledger.ts'
import { Load } from './load.ts'
import { Random } from './random.ts'
import { mountSmallDisk } from './small-disk.ts'
import { judge, type Verdict } from './verdict.ts'

export interface Outcome extends Verdict {
  readonly name: string
  /** Milliseconds from when the fault was over, or mended, until every job had ended. */
  readonly recoveryMs: number
  /** What the system's processes said, if not all is well. */
  readonly logs: string
}

/** Settings by which the sweeps that follow a fault come in seconds. */
const SWEPT_SOON = {
  LADING_KEEP_PARTIAL: '10s',
  LADING_KEEP_UNKNOWN: '20s',
  LADING_IDEMPOTENCY_LEASE: '2s',
}

/** Far from all that a case sends: each job and pack is counted, and the audit compares. */
const QUOTAS = {
  LADING_QUOTA_BYTES: '1TiB',
  LADING_QUOTA_OBJECTS: '1000000',
  LADING_QUOTA_SPOOLED: '1TiB',
}

/** Starts the system, loads it, does the fault, waits until all has ended, and looks from outside at what is left. */
export async function runCase(one: FaultCase, servers: FaultServers, seed: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-checkpoints-'))
  await using disk = one.disk && (await mountSmallDisk(one.disk))
  await servers.restore()
  await one.before?.(servers)
  const system = await startSystem({
    queue: 'redis',
    store: 's3',
    apis: 1,
    workers: 2,
    servers: servers.forSystem,
    s3Endpoint: servers.s3Endpoint,
    ...one.processes,
    ...(disk && { spoolDirectory: join(disk.directory, 'spool') }),
    env: { ...SWEPT_SOON, ...QUOTAS, LADING_TEST_CHECKPOINTS: folder, ...one.env },
  })
  try {
    return await attack(one, { system, servers, folder, seed })
  } finally {
    await servers.restore()
    await system.stop()
    await rm(folder, { recursive: true })
  }
}

interface Attack {
  readonly system: System
  readonly servers: FaultServers
  readonly folder: string
  readonly seed: number
}

async function attack(one: FaultCase, { system, servers, folder, seed }: Attack): Promise<Outcome> {
  const [ledger, random] = [new Ledger(), new Random(seed)]
  try {
    const load = await Load.prepare(system.client, ledger, random)
    const { run_id: run } = await system.client.createRun()
    const loaded = Promise.withResolvers<void>()
    const checkpoints = new Checkpoints(folder)
    const scene = { system, servers, ledger, random, run, checkpoints, loaded: loaded.promise }
    let mendedAt = 0
    const injected = one.inject(scene).then(() => {
      mendedAt = performance.now()
    })
    await Promise.all([injected, (one.load === 'none' ? nothing() : load.run()).then(loaded.resolve)])
    await Promise.all(ledger.receipts.map(({ client, jobId }) => client.waitJob(jobId)))
    const recoveryMs = performance.now() - mendedAt
    const verdict = await judge(system, ledger)
    return { name: one.name, recoveryMs, ...verdict, logs: verdict.faults.length > 0 ? warnings(system) : '' }
  } catch (error) {
    throw new Error(`${one.name}: ${inspect(error)}\n${warnings(system)}`, {
      cause: error,
    })
  }
}

async function nothing(): Promise<void> {}

/** Requests that were refused are what the clients know already. */
function warnings(system: System): string {
  const lines = system.logs().split('\n')
  return lines.filter((line) => !line.startsWith('{"level":30')).join('\n')
}
