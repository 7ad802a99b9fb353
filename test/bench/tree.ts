import { join } from 'node:path'
import { startS3 } from '../support/s3.ts'
import { findCopiers } from './copiers.ts'
import { type BenchSystem, startBenchSystem, startSystemBefore } from './lading.ts'
import { type Logged, logged } from './logged.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { BUCKET } from './s3-client.ts'
import { printAim, printSeries, type Series } from './series.ts'
import { ratios } from './statistics.ts'
import { LANES, SHARES, type TreeShape } from './tree-lanes.ts'
import { writeTree } from './tree-on-disk.ts'

type LaneName = keyof typeof LANES
const LANE_NAMES = Object.keys(LANES) as LaneName[]

type Took = Record<LaneName, Logged[]>

/** A directory of small files, sent in every way: to an S3 that keeps nothing, and to one that does, where others copy it too. */
export async function tree(options: BenchOptions): Promise<void> {
  const shape = { files: sized(options, 10_000), fileBytes: 10 * 1024 }
  await toSink(options, shape)
  await toS3(options, shape)
}

async function toSink(options: BenchOptions, shape: TreeShape): Promise<void> {
  await using system = await startBenchSystem(options)
  const took = await inTurns(system, shape, repetitionsOf(options, 5))
  console.log(`  ${shape.files} files of ${shape.fileBytes / 1024} KiB, to the sink`)
  const rates = report(took, shape)
  printAim({
    what: 'one tar: accepted',
    values: rates['one tar'].accepted,
    atLeast: 10_000,
    unit: ' files/s',
  })
  printAim({
    what: 'one tar: delivered',
    values: rates['one tar'].delivered,
    atLeast: 2_000,
    unit: ' files/s',
  })
}

async function toS3(options: BenchOptions, shape: TreeShape): Promise<void> {
  await using opened = new AsyncDisposableStack()
  const s3 = await startS3({ own: true })
  opened.defer(() => s3.stop())
  await s3.createBucket(BUCKET)
  const system = opened.use(await startSystemBefore(s3, options))
  const folder = join(system.folder, 'tree')
  await writeTree(folder, shape)
  const { copiers, missing } = findCopiers(s3)
  for (const sentence of missing) console.log(`  ${sentence}`)
  const copied = copiers.map(({ name }) => ({ name, unit: 'files/s', values: [] as number[] }))
  const took = await inTurns(system, shape, repetitionsOf(options, 3), async (turn) => {
    for (const [index, { copy, name }] of copiers.entries()) {
      const ms = await copy(folder, `${name.split(' ')[0]}/${turn}`)
      copied[index]?.values.push(shape.files / (ms / 1000))
    }
  })
  console.log(`  the same, to ${s3.name}`)
  const rates = report(took, shape, copied)
  for (const { name, values } of copied) {
    printAim({
      what: `one tar, delivered, over ${name}`,
      values: ratios(rates['one tar'].delivered, values),
      atLeast: 1,
    })
  }
}

async function inTurns(
  system: BenchSystem,
  shape: TreeShape,
  repetitions: number,
  besides: (turn: number) => Promise<void> = async () => undefined,
): Promise<Took> {
  const took: Took = { 'one tar': [], 'forms of 500': [], 'one request a file': [] }
  const once = (name: LaneName, files: number) =>
    logged(system, () => LANES[name](system, { ...shape, files }))
  for (const name of LANE_NAMES) await once(name, Math.ceil(filesOf(name, shape) / 5))
  for (let turn = 0; turn < repetitions; turn++) {
    for (const name of LANE_NAMES) took[name].push(await once(name, filesOf(name, shape)))
    await besides(turn)
  }
  return took
}

function filesOf(name: LaneName, { files }: TreeShape): number {
  return Math.ceil(files * SHARES[name])
}

function report(
  took: Took,
  shape: TreeShape,
  besides: readonly Series[] = [],
): Record<LaneName, { accepted: number[]; delivered: number[] }> {
  const rates = LANE_NAMES.map((name) => {
    const perSecond = (ms: number) => filesOf(name, shape) / (ms / 1000)
    const accepted = took[name].map(({ acceptMs }) => perSecond(acceptMs))
    const delivered = took[name].map(({ deliverMs }) => perSecond(deliverMs))
    return [name, { accepted, delivered }] as const
  })
  const perFile = (name: LaneName, of: 'apiCpu' | 'workerCpu') =>
    took[name].map((one) => (one[of] * 1e6) / filesOf(name, shape))
  printSeries([
    ...rates.flatMap(([name, { accepted, delivered }]) => [
      { name: `${name}: accepted`, unit: 'files/s', values: accepted },
      { name: `${name}: delivered`, unit: 'files/s', values: delivered },
    ]),
    ...besides,
    ...LANE_NAMES.flatMap((name) => [
      { name: `${name}: API`, unit: 'CPU-µs/file', values: perFile(name, 'apiCpu') },
      { name: `${name}: worker`, unit: 'CPU-µs/file', values: perFile(name, 'workerCpu') },
    ]),
  ])
  return Object.fromEntries(rates) as Record<LaneName, { accepted: number[]; delivered: number[] }>
}
