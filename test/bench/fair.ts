import { setTimeout as delay } from 'node:timers/promises'
import { textContent } from '../support/system-content.ts'
import { type BenchSystem, startBenchSystem } from './lading.ts'
import { now } from './now.ts'
import { type BenchOptions, repetitionsOf } from './options.ts'
import { send } from './send.ts'
import { printAim, printSeries } from './series.ts'
import { summarize } from './statistics.ts'

const FILES_PER_REQUEST = 500
/** Files that B sends, one after the other, for each median. */
const SAMPLES = 20
/** Between two of them, milliseconds: each comes at another moment of what the worker does. */
const PAUSE_MS = 50

interface Measured {
  readonly unloaded: number[]
  readonly loaded: number[]
  readonly backlogBehind: number[]
}

/** Tenant B's single small file is delivered while nobody else has work, and behind the backlog of tenant A. */
export async function fair(options: BenchOptions): Promise<void> {
  const backlog = options.quick ? 5_000 : 50_000
  const measured: Measured = { unloaded: [], loaded: [], backlogBehind: [] }
  await using system = await startBenchSystem(options)
  await deliveries(system)
  for (let left = repetitionsOf(options, 3); left > 0; left--) {
    measured.unloaded.push(summarize(await deliveries(system)).median)
    const jobIds = await acceptBacklog(system, backlog)
    measured.loaded.push(summarize(await deliveries(system)).median)
    measured.backlogBehind.push(await filesLeft(system, jobIds))
    for (const jobId of jobIds) await system.client.as('tenant-a').waitJob(jobId)
  }
  report(measured, backlog)
}

/** Milliseconds from 202 to completed, for each of B's files. */
async function deliveries({ client }: BenchSystem): Promise<number[]> {
  const tenant = client.as('tenant-b')
  const { run_id } = await tenant.createRun()
  const times: number[] = []
  for (let index = 0; index < SAMPLES; index++) {
    const { status, body } = await tenant.put(run_id, `${index}.txt`, textContent('a small file'))
    if (status !== 202) throw new Error(`B was refused: ${status} ${body.detail}`)
    const start = now()
    const job = await tenant.waitJob(body.job_id)
    times.push(now() - start)
    if (job.state !== 'completed') throw new Error(`B's job ended ${job.state}`)
    await delay(PAUSE_MS)
  }
  return times
}

/** The worker is frozen until the backlog is whole. */
async function acceptBacklog({ api, worker, client }: BenchSystem, files: number): Promise<string[]> {
  const tenant = client.as('tenant-a')
  const { run_id } = await tenant.createRun()
  worker.pause()
  const { answers } = await send({
    url: api.url,
    requests: Array.from({ length: files / FILES_PER_REQUEST }, (_, index) => ({
      method: 'POST',
      path: `/api/v1/experiments/runs/${run_id}/log-artifact`,
      tenant: 'tenant-a',
      body: { kind: 'form', files: FILES_PER_REQUEST, fileBytes: 1024, directory: String(index) },
    })),
    concurrency: 4,
  })
  worker.resume()
  return answers.map(({ body }) => (JSON.parse(body) as { job_id: string }).job_id)
}

async function filesLeft({ client }: BenchSystem, jobIds: readonly string[]): Promise<number> {
  const { jobs } = await client.as('tenant-a').jobs(`ids=${jobIds.join(',')}`)
  return jobs.reduce((sum, { files }) => sum + files.total - files.done, 0)
}

function report({ unloaded, loaded, backlogBehind }: Measured, backlog: number): void {
  console.log(`  one file of tenant B, alone and behind ${backlog} files of tenant A`)
  printSeries([
    { name: 'alone: median time to deliver', unit: 'ms', values: unloaded },
    { name: 'behind A: median time to deliver', unit: 'ms', values: loaded },
    { name: "A's files left when B was done", unit: 'files', values: backlogBehind },
  ])
  const values = loaded.map((time, index) => time / (unloaded[index] ?? Number.NaN))
  printAim({ what: 'behind A over alone', values, below: 5 })
}
