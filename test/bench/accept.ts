import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AcceptedResponse } from '@lading/protocol'
import { type BenchSystem, startBenchSystem } from './lading.ts'
import { startNginx } from './nginx.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { cpuSeconds } from './process-usage.ts'
import { run, startServerProgram } from './program.ts'
import type { Answer, SendingRequest } from './programs/send.ts'
import { send } from './send.ts'
import { printAim, printSeries } from './series.ts'
import { ratios, summarize } from './statistics.ts'

const GIB = 2 ** 30

interface Contender {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly request: (bytes: number) => SendingRequest
  /** Takes back what a request left, outside of the time that counts. */
  readonly clear: (answer: Answer) => Promise<void>
}

interface Measured {
  readonly name: string
  /** MB/s, for each repetition. */
  readonly speeds: number[]
  /** Seconds of the server's processor time for each GiB. */
  readonly costs: number[]
}

/** One client sends one large file. Each server hashes it, writes it, syncs it to the disk, and answers. */
export async function accept(options: BenchOptions): Promise<void> {
  const bytes = sized(options, GIB)
  await using system = await startBenchSystem(options)
  const folder = join(system.folder, 'baseline')
  await mkdir(join(folder, 'files'), { recursive: true })
  await using servers = new AsyncDisposableStack()
  const pipe = await startServerProgram('raw-pipe', folder)
  servers.defer(() => pipe.stop())
  const nginx = await startNginx(folder)
  if (nginx !== undefined) servers.defer(() => nginx.stop())
  const contenders = [
    await lading(system),
    baseline('raw pipe: stream.pipeline', pipe, '/pipe', folder),
    baseline('raw pipe: batched writes', pipe, '/batched', folder),
    ...(nginx === undefined ? [] : [baseline('nginx: no digest, no fsync', nginx, '/files/1', folder)]),
  ]
  report(await measureInTurns(contenders, bytes, repetitionsOf(options, 7)), bytes)
}

async function measureInTurns(
  contenders: readonly Contender[],
  bytes: number,
  repetitions: number,
): Promise<Measured[]> {
  // A first, shorter round warms up the servers' code.
  for (const contender of contenders) await measure(contender, Math.min(bytes, GIB / 8))
  const measured = contenders.map(({ name }) => ({ name, speeds: [] as number[], costs: [] as number[] }))
  for (let left = repetitions; left > 0; left--) {
    for (const [index, contender] of contenders.entries()) {
      const { ms, cpu } = await measure(contender, bytes)
      measured[index]?.speeds.push(bytes / 1e6 / (ms / 1000))
      measured[index]?.costs.push(cpu / (bytes / GIB))
    }
  }
  return measured
}

async function measure(contender: Contender, bytes: number): Promise<{ ms: number; cpu: number }> {
  const before = cpuSeconds(contender.pid)
  const { ms, answers } = await send({
    url: contender.url,
    requests: [contender.request(bytes)],
    concurrency: 1,
  })
  const cpu = cpuSeconds(contender.pid) - before
  for (const answer of answers) await contender.clear(answer)
  // What this one left for the disk to do must not slow the next.
  await run('sync', [])
  return { ms, cpu }
}

/** The worker is frozen while the API is measured: delivering takes processor time. */
async function lading({ api, worker, client }: BenchSystem): Promise<Contender> {
  const { run_id } = await client.createRun()
  worker.pause()
  return {
    name: 'Lading: form, digests, catalog',
    url: api.url,
    pid: api.pid,
    request: (fileBytes) => ({
      method: 'POST',
      path: `/api/v1/experiments/runs/${run_id}/log-artifact`,
      tenant: 'bench',
      body: { kind: 'form', files: 1, fileBytes, directory: 'accept' },
    }),
    async clear({ body }) {
      worker.resume()
      await client.waitJob((JSON.parse(body) as AcceptedResponse).job_id)
      worker.pause()
    },
  }
}

function baseline(
  name: string,
  { url, pid }: { url: string; pid: number },
  path: string,
  folder: string,
): Contender {
  return {
    name,
    url,
    pid,
    request: (bytes) => ({ method: 'PUT', path, body: { kind: 'raw', bytes } }),
    async clear() {
      await rm(join(folder, 'files'), { recursive: true, force: true })
      await mkdir(join(folder, 'files'))
    },
  }
}

function report(measured: readonly Measured[], bytes: number): void {
  console.log(`  ${bytes / 2 ** 20} MiB, one client, from the first byte to the answer`)
  printSeries(measured.map(({ name, speeds }) => ({ name, unit: 'MB/s', values: speeds })))
  printSeries(measured.map(({ name, costs }) => ({ name, unit: 'CPU-s/GiB of the server', values: costs })))
  const [ours, ...others] = measured
  const pipes = others.filter(({ name }) => name.startsWith('raw pipe'))
  const fastest = pipes.reduce((best, other) =>
    summarize(other.speeds).median > summarize(best.speeds).median ? other : best,
  )
  if (ours === undefined) return
  for (const other of others) {
    const values = ratios(ours.speeds, other.speeds)
    const what = `Lading over ${other.name.replace(/:.*/, '')}`
    if (other === fastest) printAim({ what: `${what} (the faster)`, values, atLeast: 0.9 })
  }
}
