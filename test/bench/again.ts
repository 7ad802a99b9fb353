import { hash, randomUUID } from 'node:crypto'
import type { JobResponse, PlanResponse } from '@lading/protocol'
import { tarOf } from '../support/generated-tar.ts'
import { type Content, content } from '../support/system-content.ts'
import { upload } from '../support/system-upload.ts'
import { type BenchSystem, startBenchSystem } from './lading.ts'
import { mustComplete } from './logged.ts'
import { now } from './now.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { printAim, printSeries } from './series.ts'
import { ratios } from './statistics.ts'

const FILE_BYTES = 10 * 1024

interface LocalFile {
  readonly path: string
  readonly file: Content
}

/** A directory is logged, and then again unchanged by a client that first asks which files are needed. */
export async function again(options: BenchOptions): Promise<void> {
  const count = sized(options, 10_000)
  await using system = await startBenchSystem(options)
  const first: number[] = []
  const second: number[] = []
  let asked = 0
  for (let left = repetitionsOf(options, 5) + 1; left > 0; left--) {
    const { run_id } = await system.client.createRun()
    const run = `/api/v1/experiments/runs/${run_id}`
    const files = filesOf(count)
    const chunks = [...tarOf(files)]
    first.push(await timed(() => logAll(system, run, chunks)))
    second.push(
      await timed(async () => {
        asked = await logNeeded(system, run, files)
      }),
    )
  }
  console.log(
    `  ${count} files of ${FILE_BYTES / 1024} KiB; again: a plan of ${asked} bytes, and nothing sent`,
  )
  // The first turn warms up.
  const [once, twice] = [first.slice(1), second.slice(1)]
  printSeries([
    { name: 'first: from the first byte to completed', unit: 'ms', values: once },
    { name: 'again: digested, planned, completed', unit: 'ms', values: twice },
  ])
  printAim({ what: 'again over first', values: ratios(twice, once), below: 0.05 })
}

function filesOf(count: number): LocalFile[] {
  const seed = randomUUID()
  return Array.from({ length: count }, (_, index) => {
    const chunks = [...content(FILE_BYTES, `${seed} ${index}`).chunks()]
    const file = {
      size: FILE_BYTES,
      chunks: () => chunks,
      get sha256() {
        return hash('sha256', chunks[0] ?? Buffer.alloc(0))
      },
    }
    return { path: `tree/${Math.floor(index / 100)}/${index}.bin`, file }
  })
}

async function logAll({ client }: BenchSystem, run: string, chunks: readonly Buffer[]): Promise<void> {
  const { status, body } = await upload({
    method: 'POST',
    url: client.address(`${run}/log-artifacts`),
    headers: { 'content-type': 'application/x-tar', 'x-tenant-id': 'bench' },
    body: chunks,
  })
  if (status !== 202) throw new Error(`It was refused: ${status} ${body.detail}`)
  mustComplete(await client.waitJob(body.job_id))
}

/** Takes the digests anew, as a client that lost its process does; bytes of the plan. */
async function logNeeded({ client }: BenchSystem, run: string, files: readonly LocalFile[]): Promise<number> {
  const opened = await client.call<JobResponse>('POST', `${run}/uploads`, {})
  const { job_id } = opened.body
  const asked = { files: files.map(({ path, file }) => ({ path, size: file.size, sha256: file.sha256 })) }
  const plan = await client.call<PlanResponse>('POST', `${run}/uploads/${job_id}/plan`, asked)
  if (plan.status !== 200 || plan.body.needed.length > 0)
    throw new Error(`Files are needed: ${plan.status} ${JSON.stringify(plan.body).slice(0, 200)}`)
  await client.call('POST', `/api/v1/jobs/${job_id}/seal`, {})
  mustComplete(await client.waitJob(job_id))
  return JSON.stringify(asked).length
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = now()
  await work()
  return now() - start
}
