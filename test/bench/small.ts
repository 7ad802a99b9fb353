import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AcceptedResponse } from '@lading/protocol'
import { type BenchSystem, type SinkSystem, startBenchSystem } from './lading.ts'
import { now } from './now.ts'
import { type BenchOptions, repetitionsOf } from './options.ts'
import { cpuSeconds } from './process-usage.ts'
import { runProgram, type ServerProgram, startServerProgram } from './program.ts'
import type { PutObjectsInput } from './programs/put-objects.ts'
import type { SendingRequest } from './programs/send.ts'
import { send } from './send.ts'
import { printAim, printSeries } from './series.ts'

const FILE_BYTES = 10 * 1024
const FILES_PER_REQUEST = 500
/** Requests that the client has under way at once. */
const CONCURRENCY = 4

interface Measured {
  readonly accepted: number[]
  readonly delivered: number[]
  readonly piped: number[]
  readonly put: number[]
  readonly apiCost: number[]
  readonly workerCost: number[]
}

/** Many small files in few requests: accepted while the worker is frozen, then delivered. */
export async function small(options: BenchOptions): Promise<void> {
  const requests = options.quick ? 4 : 20
  await using system = await startBenchSystem(options)
  const folder = join(system.folder, 'baseline')
  const files = await writeFiles(folder, requests * FILES_PER_REQUEST)
  const pipe = await startServerProgram('raw-pipe', folder)
  try {
    await once(system, 2)
    const measured: Measured = {
      accepted: [],
      delivered: [],
      piped: [],
      put: [],
      apiCost: [],
      workerCost: [],
    }
    for (let left = repetitionsOf(options, 5); left > 0; left--) {
      await turn(system, pipe, files, requests, measured)
      await rm(join(folder, 'files'), { recursive: true })
      await mkdir(join(folder, 'files'))
    }
    report(measured, files.length)
  } finally {
    await pipe.stop()
  }
}

async function turn(
  system: SinkSystem,
  pipe: ServerProgram,
  files: readonly string[],
  requests: number,
  measured: Measured,
): Promise<void> {
  const perSecond = (ms: number) => files.length / (ms / 1000)
  const cpu = () => [cpuSeconds(system.api.pid), cpuSeconds(system.worker.pid)] as const
  const [api, worker] = cpu()
  const { acceptMs, deliverMs } = await once(system, requests)
  const [apiAfter, workerAfter] = cpu()
  measured.accepted.push(perSecond(acceptMs))
  measured.delivered.push(perSecond(deliverMs))
  measured.apiCost.push(((apiAfter - api) * 1e6) / files.length)
  measured.workerCost.push(((workerAfter - worker) * 1e6) / files.length)
  const piped = await send({ url: pipe.url, requests: asRaw(requests), concurrency: CONCURRENCY })
  measured.piped.push(perSecond(piped.ms))
  const input: PutObjectsInput = { endpoint: system.sink.url, files, concurrency: 32 }
  measured.put.push(perSecond((await runProgram<PutObjectsInput, { ms: number }>('put-objects', input)).ms))
}

async function once(
  { api, worker, client }: BenchSystem,
  requests: number,
): Promise<{ acceptMs: number; deliverMs: number }> {
  const { run_id } = await client.createRun()
  worker.pause()
  const sent = await send({ url: api.url, requests: asForms(run_id, requests), concurrency: CONCURRENCY })
  const start = now()
  worker.resume()
  for (const { body } of sent.answers) {
    const job = await client.waitJob((JSON.parse(body) as AcceptedResponse).job_id)
    if (job.state !== 'completed') throw new Error(`A job ended ${job.state}: ${JSON.stringify(job.error)}`)
  }
  return { acceptMs: sent.ms, deliverMs: now() - start }
}

function asForms(runId: string, requests: number): SendingRequest[] {
  return Array.from({ length: requests }, (_, index) => ({
    method: 'POST',
    path: `/api/v1/experiments/runs/${runId}/log-artifact`,
    tenant: 'bench',
    body: { kind: 'form', files: FILES_PER_REQUEST, fileBytes: FILE_BYTES, directory: `request-${index}` },
  }))
}

function asRaw(requests: number): SendingRequest[] {
  const body = { kind: 'raw', bytes: FILES_PER_REQUEST * FILE_BYTES } as const
  return Array.from({ length: requests }, () => ({ method: 'PUT', path: '/batched', body }))
}

/** For the script that puts files by itself. */
async function writeFiles(folder: string, count: number): Promise<string[]> {
  await mkdir(join(folder, 'files'), { recursive: true })
  const paths = Array.from({ length: count }, (_, index) => join(folder, `${index}.bin`))
  for (const path of paths) await writeFile(path, randomBytes(FILE_BYTES))
  return paths
}

function report(measured: Measured, files: number): void {
  console.log(`  ${files} files of ${FILE_BYTES / 1024} KiB, ${FILES_PER_REQUEST} to a request`)
  const { accepted, delivered, piped, put, apiCost, workerCost } = measured
  printSeries([
    { name: 'Lading: accepted', unit: 'files/s', values: accepted },
    { name: 'the same bytes to the raw pipe', unit: 'files/s', values: piped },
    { name: 'Lading: delivered and catalogued', unit: 'files/s', values: delivered },
    { name: 'AWS SDK: read and put, 32 at a time', unit: 'files/s', values: put },
    { name: 'Lading: API', unit: 'CPU-µs/file', values: apiCost },
    { name: 'Lading: worker', unit: 'CPU-µs/file', values: workerCost },
  ])
  printAim({ what: 'accepted', values: accepted, atLeast: 3000, unit: ' files/s' })
  printAim({ what: 'delivered', values: delivered, atLeast: 1000, unit: ' files/s' })
}
