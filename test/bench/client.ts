import { randomBytes } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../support/find-program.ts'
import { type BenchSystem, startBenchSystem } from './lading.ts'
import { jobIdOf, type Logged, logged } from './logged.ts'
import { now } from './now.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { run, runProgram } from './program.ts'
import type { ClientDone, ClientWork } from './programs/client.ts'
import { printAim, printSeries } from './series.ts'
import { ratios } from './statistics.ts'
import { writeTree } from './tree-on-disk.ts'

const FILE_BYTES = 10 * 1024
const GIB = 1024 ** 3
const MB = 1e6

/** The TypeScript client, from files of the disk: a directory of small ones, and a large one. */
export async function client(options: BenchOptions): Promise<void> {
  await using system = await startBenchSystem(options)
  await directory(system, options)
  await largeFile(system, options)
}

/** A tenth of the files is enough to tell what one request for each costs. */
async function directory(system: BenchSystem, options: BenchOptions): Promise<void> {
  const files = sized(options, 10_000)
  const tenth = Math.ceil(files / 10)
  const [folder, smaller] = [join(system.folder, 'tree'), join(system.folder, 'tenth')]
  await writeTree(folder, { files, fileBytes: FILE_BYTES })
  await writeTree(smaller, { files: tenth, fileBytes: FILE_BYTES })
  const [together, alone]: [number[], number[]] = [[], []]
  for (let left = repetitionsOf(options, 5) + 1; left > 0; left--) {
    together.push(files / secondsOf(await byClient(system, 'directory', folder)))
    alone.push(tenth / secondsOf(await byClient(system, 'files', smaller)))
  }
  console.log(`  ${files} files of ${FILE_BYTES / 1024} KiB, from the disk until accepted`)
  const [one, other] = [together.slice(1), alone.slice(1)]
  printSeries([
    { name: 'logArtifacts', unit: 'files/s', values: one },
    { name: 'logArtifact for each, 16 at once', unit: 'files/s', values: other },
  ])
  printAim({ what: 'logArtifacts over logArtifact for each', values: ratios(one, other), atLeast: 5 })
}

async function largeFile(system: BenchSystem, options: BenchOptions): Promise<void> {
  const bytes = sized(options, GIB)
  const path = join(system.folder, 'large')
  await writeLarge(path, bytes)
  const hasCurl = findProgram('curl') !== undefined
  if (!hasCurl) console.log('  curl is not on PATH: nothing to compare a large file with')
  const [ours, curls]: [number[], number[]] = [[], []]
  for (let left = repetitionsOf(options, 5) + 1; left > 0; left--) {
    ours.push(bytes / MB / secondsOf(await byClient(system, 'file', path)))
    if (hasCurl) curls.push(bytes / MB / secondsOf(await byCurl(system, path)))
  }
  console.log(`  one file of ${bytes / 1024 ** 2} MiB, from the disk until accepted`)
  const [one, other] = [ours.slice(1), curls.slice(1)]
  printSeries([
    { name: 'logArtifact: digested, in pieces', unit: 'MB/s', values: one },
    ...(hasCurl ? [{ name: 'curl -T: once, undigested', unit: 'MB/s', values: other }] : []),
  ])
  if (hasCurl) printAim({ what: 'logArtifact over curl', values: ratios(one, other), atLeast: 0.5 })
}

function byClient(system: BenchSystem, log: ClientWork['log'], path: string): Promise<Logged> {
  return logged(system, async () => {
    const work = { url: system.api.url, tenant: 'bench', log, path }
    const { ms, jobId } = await runProgram<ClientWork, ClientDone>('client', work)
    return { ms, jobIds: [jobId] }
  })
}

function byCurl(system: BenchSystem, path: string): Promise<Logged> {
  return logged(system, async () => {
    const { run_id: runId } = await system.client.createRun()
    const url = `${system.api.url}/api/v1/experiments/runs/${runId}/artifacts/large`
    const start = now()
    const body = await run('curl', ['-sS', '--fail', '-H', 'X-Tenant-ID: bench', '-T', path, url])
    return { ms: now() - start, jobIds: [jobIdOf({ body })] }
  })
}

function secondsOf({ acceptMs }: Logged): number {
  return acceptMs / 1000
}

async function writeLarge(path: string, bytes: number): Promise<void> {
  const block = randomBytes(8 * 1024 ** 2)
  await using file = await open(path, 'w')
  for (let written = 0; written < bytes; written += block.length)
    await file.write(block, 0, Math.min(block.length, bytes - written))
}
