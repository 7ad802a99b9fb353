import { startBenchSystem } from './lading.ts'
import { type Logged, logged } from './logged.ts'
import { type BenchOptions, repetitionsOf } from './options.ts'
import { forgetPeak, residentBytes } from './process-usage.ts'
import { printAim, printSeries } from './series.ts'
import { ratios } from './statistics.ts'
import { LANES } from './tree-lanes.ts'

const FILE_BYTES = 1024
const SIZES = [1_000, 10_000, 100_000] as const
/** Of a size, so that they have half as many files as the largest, but no more than these: processor time comes in steps of 10 ms. */
const MOST_JOBS = 5

interface Measured {
  readonly files: number
  readonly took: Logged[]
  readonly apiPeak: number[]
  readonly workerPeak: number[]
}

/** What a file costs when there are more of them, each directory as one tar. */
export async function growth(options: BenchOptions): Promise<void> {
  const sizes = options.quick ? SIZES.map((size) => size / 10) : SIZES
  await using system = await startBenchSystem(options)
  const once = (files: number) =>
    logged(system, () => LANES['one tar'](system, { files, fileBytes: FILE_BYTES }))
  await once(sizes[1] ?? 0)
  const measured: Measured[] = sizes.map((files) => ({ files, took: [], apiPeak: [], workerPeak: [] }))
  for (let left = repetitionsOf(options, 3); left > 0; left--) {
    for (const { files, took, apiPeak, workerPeak } of measured) {
      for (const { pid } of [system.api, system.worker]) forgetPeak(pid)
      const jobs = Math.max(1, Math.min(MOST_JOBS, (sizes[2] ?? 0) / 2 / files))
      const runs: Logged[] = []
      for (let job = 0; job < jobs; job++) runs.push(await once(files))
      took.push(meanPerFile(runs, files))
      apiPeak.push(residentBytes(system.api.pid).peak / 1e6)
      workerPeak.push(residentBytes(system.worker.pid).peak / 1e6)
    }
  }
  report(measured)
}

/** Microseconds for each file. */
function meanPerFile(runs: readonly Logged[], files: number): Logged {
  const mean = (of: keyof Logged, unit: number) =>
    (runs.reduce((sum, run) => sum + run[of], 0) * unit) / runs.length / files
  return {
    acceptMs: mean('acceptMs', 1e3),
    deliverMs: mean('deliverMs', 1e3),
    apiCpu: mean('apiCpu', 1e6),
    workerCpu: mean('workerCpu', 1e6),
  }
}

const COSTS = {
  acceptMs: ['accepting', 'µs/file'],
  deliverMs: ['delivering', 'µs/file'],
  apiCpu: ['API', 'CPU-µs/file'],
  workerCpu: ['worker', 'CPU-µs/file'],
} as const satisfies Record<keyof Logged, readonly [string, string]>

function report(measured: readonly Measured[]): void {
  console.log(`  files of ${FILE_BYTES / 1024} KiB, one tar for each directory, to the sink`)
  const costs = Object.entries(COSTS) as [keyof Logged, readonly [string, string]][]
  const valuesOf = ({ took }: Measured, of: keyof Logged) => took.map((one) => one[of])
  printSeries([
    ...costs.flatMap(([of, [what, unit]]) =>
      measured.map((one) => ({ name: `${what}, ${one.files} files`, unit, values: valuesOf(one, of) })),
    ),
    ...measured.flatMap(({ files, apiPeak, workerPeak }) => [
      { name: `API at most, ${files} files`, unit: 'MB', values: apiPeak },
      { name: `worker at most, ${files} files`, unit: 'MB', values: workerPeak },
    ]),
  ])
  const [, middle, last] = measured
  if (middle === undefined || last === undefined) return
  for (const [of, [what]] of costs) {
    const values = ratios(valuesOf(last, of), valuesOf(middle, of))
    printAim({ what: `${what}: ${last.files} over ${middle.files} files`, values, below: 1.15 })
  }
}
