import { randomFillSync } from 'node:crypto'
import { mkdir, open, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { AcceptedResponse } from '@lading/protocol'
import { findProgram } from '../support/find-program.ts'
import { type BenchSystem, type SinkSystem, startBenchSystem } from './lading.ts'
import { now } from './now.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { cpuSeconds } from './process-usage.ts'
import { run, runProgram } from './program.ts'
import type { LibStorageInput, Took } from './programs/lib-storage.ts'
import { BUCKET } from './s3-client.ts'
import { send } from './send.ts'
import { printAim, printSeries } from './series.ts'
import { ratios } from './statistics.ts'

const GIB = 2 ** 30
const PART = 8 * 2 ** 20

interface Contender {
  readonly name: string
  readonly deliver: () => Promise<Took>
  readonly speeds: number[]
  readonly costs: number[]
}

/** One large file goes from the disk (its cache) to an S3 that discards it: by the worker, by lib-storage, by curl. */
export async function deliver(options: BenchOptions): Promise<void> {
  const bytes = sized(options, GIB)
  await using system = await startBenchSystem(options)
  const contender = (name: string, take: () => Promise<Took>): Contender => ({
    name,
    deliver: take,
    speeds: [],
    costs: [],
  })
  const contenders = [
    contender('Lading: from 202 to completed', await byWorker(system, bytes)),
    contender('lib-storage: defaults', await byLibStorage(system, bytes)),
  ]
  const curl = await byCurl(system, bytes)
  if (curl === undefined) console.log('  There is no curl on PATH; its baseline is left out')
  else contenders.push(contender('curl -T: parts, no digest', curl))
  await byTurns(contenders, bytes, repetitionsOf(options, 5))
  report(contenders, bytes)
}

async function byTurns(contenders: readonly Contender[], bytes: number, repetitions: number): Promise<void> {
  await contenders[0]?.deliver()
  for (let left = repetitions; left > 0; left--) {
    for (const { deliver, speeds, costs } of contenders) {
      const { ms, cpuSeconds: cpu } = await deliver()
      speeds.push(bytes / 1e6 / (ms / 1000))
      costs.push(cpu / (bytes / GIB))
    }
  }
}

async function byWorker({ api, worker, client }: BenchSystem, bytes: number): Promise<() => Promise<Took>> {
  const { run_id } = await client.createRun()
  let count = 0
  return async () => {
    const path = `/api/v1/experiments/runs/${run_id}/artifacts/deliver/${count++}.bin`
    const before = cpuSeconds(worker.pid)
    const { answers } = await send({
      url: api.url,
      requests: [{ method: 'PUT', path, tenant: 'bench', body: { kind: 'raw', bytes } }],
      concurrency: 1,
    })
    const accepted = answers[0]?.at ?? Number.NaN
    const job = await client.waitJob((JSON.parse(answers[0]?.body ?? '') as AcceptedResponse).job_id)
    if (job.state !== 'completed')
      throw new Error(`A delivery ended ${job.state}: ${JSON.stringify(job.error)}`)
    return { ms: now() - accepted, cpuSeconds: cpuSeconds(worker.pid) - before }
  }
}

async function byLibStorage({ sink, folder }: SinkSystem, bytes: number): Promise<() => Promise<Took>> {
  const input: LibStorageInput = {
    endpoint: sink.url,
    file: join(folder, 'lib-storage.bin'),
    warmUpFile: join(folder, 'warm-up.bin'),
  }
  await writeRandom(input.file, bytes)
  await writeRandom(input.warmUpFile, Math.min(bytes, 4 * PART))
  return () => runProgram('lib-storage', input)
}

/** Parts of the size that the worker sends, as many at a time as it sends. */
async function byCurl(
  { sink, folder }: SinkSystem,
  bytes: number,
): Promise<(() => Promise<Took>) | undefined> {
  const curl = findProgram('curl')
  if (curl === undefined) return undefined
  await mkdir(join(folder, 'parts'))
  const config: string[] = []
  for (let part = 0; part * PART < bytes; part++) {
    const file = join(folder, 'parts', String(part))
    await writeRandom(file, Math.min(PART, bytes - part * PART))
    config.push(`upload-file = "${file}"`, `url = "${sink.url}/${BUCKET}/curl-${part}"`)
  }
  const command = `"$0" --no-progress-meter --fail --parallel --parallel-max 4 --config -; times`
  return async () => {
    const start = now()
    const output = await run('/bin/sh', ['-c', command, curl], config.join('\n'))
    return { ms: now() - start, cpuSeconds: childSeconds(output) }
  }
}

/** The last line of `times` is the user and system time of the shell's children (POSIX), as `0m1.20s 0m0.70s`. */
function childSeconds(output: string): number {
  const times = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)]
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w')
  const chunk = randomFillSync(Buffer.alloc(PART))
  for (let at = 0; at < bytes; at += chunk.length) await file.writeFile(chunk)
  await truncate(path, bytes)
  await file.sync()
}

function report(contenders: readonly Contender[], bytes: number): void {
  console.log(`  ${bytes / 2 ** 20} MiB to an S3 that discards it`)
  printSeries(contenders.map(({ name, speeds }) => ({ name, unit: 'MB/s', values: speeds })))
  printSeries(contenders.map(({ name, costs }) => ({ name, unit: 'CPU-s/GiB of the sender', values: costs })))
  const [ours, libStorage] = contenders
  if (ours === undefined || libStorage === undefined) return
  const values = ratios(ours.speeds, libStorage.speeds)
  printAim({ what: 'Lading over lib-storage', values, atLeast: 4 })
}
