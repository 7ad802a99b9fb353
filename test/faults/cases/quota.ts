import type { Checkpoint } from '@lading/core'
import type { LadingClient } from '../../support/system-client.ts'
import { content } from '../../support/system-content.ts'
import { pass } from '../../support/system-s3-proxy.ts'
import { type FaultCase, processOf, type Scene } from '../fault-case.ts'
import { fails } from '../s3-lies.ts'

const TENANT = 'hooli'
/** What the tenant may have. */
const OBJECTS = 12
/** Sent in the end, when there is no room for all. */
const TOO_MANY = 20
const POINTS: readonly Checkpoint[] = ['worker.after-part', 'worker.before-commit', 'worker.after-commit']
const IN_PARTS = 9_000_000

interface Place {
  readonly client: LadingClient
  readonly run: string
}

export const QUOTA_CASES: readonly FaultCase[] = [
  {
    name: 'workers-killed-under-quotas',
    fault:
      'SIGKILL of three workers while a tenant with a quota uploads, replaces, deletes, cancels and fails, and at last fills it',
    expected: 'what is counted is what is stored; the full tenant has what it may have, and no more',
    load: 'none',
    async inject(scene) {
      const { system, checkpoints } = scene
      await lading(scene, 'quotas', 'set', '--tenant', TENANT, '--objects', String(OBJECTS))
      const client = system.client.as(TENANT)
      const place = { client, run: (await client.createRun()).run_id }
      for (const [round, point] of POINTS.entries()) {
        const stopped = checkpoints.stopAt(point)
        const changed = change(scene, place, round)
        await processOf(scene, await stopped).kill('SIGKILL')
        await system.addWorker()
        await changed
      }
      await failOnce(scene, place)
      await fill(scene, place)
      await lading(scene, 'gc', '--delete', '--older-than', '0s')
      await checkFull(scene)
    },
  },
]

async function lading({ system }: Scene, ...args: readonly string[]): Promise<string> {
  const { code, text } = await system.run(...args)
  if (code !== 0) throw new Error(`lading ${args.join(' ')} ended with ${code}: ${text}`)
  return text
}

/** What is deleted or cancelled is in no ledger: the audit looks whether anything is left of it. */
async function change({ ledger }: Scene, { client, run }: Place, round: number): Promise<void> {
  const put = async (path: string, size: number) => {
    const { status, body } = await client.put(run, path, content(size, round))
    if (status !== 202) throw new Error(`${path}: ${status} ${body.code}: ${body.detail}`)
    return body.job_id
  }
  const [kept, ...others] = await Promise.all([
    ledger.put(client, run, `kept-${round}.bin`, content(IN_PARTS, round)),
    ledger.put(client, run, 'replaced.bin', content(1000 * (3 - round), round)),
    put(`deleted-${round}.bin`, IN_PARTS),
    put(`cancelled-${round}.bin`, IN_PARTS),
  ])
  await client.cancel(others[2])
  for (const job of [kept, ...others]) await client.waitJob(job ?? '')
  for (const path of ['deleted', 'cancelled']) await client.delete(run, `${path}-${round}.bin`)
}

/** A file fails, gives its room back, and takes it again when its job is retried. */
async function failOnce({ servers, ledger }: Scene, { client, run }: Place): Promise<void> {
  const refuse = fails(403, 'AccessDenied')
  servers.s3Proxy.rule = ({ path }) =>
    path.endsWith('/failed.bin') ? (exchange) => refuse(exchange, servers.s3) : undefined
  const job = (await ledger.put(client, run, 'failed.bin', content(1000, 'failed'))) ?? ''
  const { state } = await client.waitJob(job)
  if (state !== 'failed') throw new Error(`the job whose file was refused is ${state}`)
  servers.s3Proxy.rule = pass
  await client.retry(job)
  await client.waitJob(job)
}

async function fill({ ledger }: Scene, { client, run }: Place): Promise<void> {
  const sent = Array.from({ length: TOO_MANY }, (_, n) =>
    ledger.put(client, run, `last-${n}.bin`, content(1000, n), { mayBeRefused: 'quota_exceeded' }),
  )
  for (const job of await Promise.all(sent)) if (job !== undefined) await client.waitJob(job)
}

async function checkFull(scene: Scene): Promise<void> {
  const { quotas } = JSON.parse(await lading(scene, 'quotas', 'show', '--tenant', TENANT, '--json'))
  const { used, coming } = quotas[0].objects
  if (used !== OBJECTS || coming !== 0)
    throw new Error(`${used} objects and ${coming} to come are counted, where there is room for ${OBJECTS}`)
}
