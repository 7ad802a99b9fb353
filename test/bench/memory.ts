import type { AcceptedResponse } from '@lading/protocol'
import { startBenchSystem } from './lading.ts'
import { type BenchOptions, repetitionsOf, sized } from './options.ts'
import { residentBytes } from './process-usage.ts'
import { send } from './send.ts'
import { printAim, printSeries } from './series.ts'

const UPLOADS = 32
const MIB = 2 ** 20

interface Peaks {
  readonly api: number
  readonly worker: number
  readonly apiAtRest: number
  readonly workerAtRest: number
}

/** The most memory that API and worker had while many large files came at once and were delivered as they came. */
export async function memory(options: BenchOptions): Promise<void> {
  const bytes = sized(options, 256 * MIB)
  const peaks: Peaks[] = []
  for (let left = repetitionsOf(options, 2); left > 0; left--) peaks.push(await once(options, bytes))
  console.log(`  ${UPLOADS} uploads of ${bytes / MIB} MiB at once; resident memory`)
  const series = (name: string, pick: (peak: Peaks) => number) => ({
    name,
    unit: 'MB',
    values: peaks.map(pick),
  })
  printSeries([
    series('API: at the start', ({ apiAtRest }) => apiAtRest),
    series('API: at most', ({ api }) => api),
    series('worker: at the start', ({ workerAtRest }) => workerAtRest),
    series('worker: at most', ({ worker }) => worker),
  ])
  const aim = { below: 250, unit: ' MB' }
  printAim({ what: 'API at most', values: peaks.map(({ api }) => api), ...aim })
  printAim({ what: 'worker at most', values: peaks.map(({ worker }) => worker), ...aim })
}

/** The peak is the process's own (`VmHWM`), so each repetition has new processes. */
async function once(options: BenchOptions, bytes: number): Promise<Peaks> {
  await using system = await startBenchSystem(options)
  const { api, worker, client } = system
  const atRest = [residentBytes(api.pid), residentBytes(worker.pid)] as const
  const { run_id } = await client.createRun()
  const { answers } = await send({
    url: api.url,
    requests: Array.from({ length: UPLOADS }, (_, index) => ({
      method: 'PUT',
      path: `/api/v1/experiments/runs/${run_id}/artifacts/memory/${index}.bin`,
      tenant: 'bench',
      body: { kind: 'raw', bytes },
    })),
    concurrency: UPLOADS,
  })
  for (const { body } of answers) await client.waitJob((JSON.parse(body) as AcceptedResponse).job_id)
  const megabytes = (count: number) => count / 1e6
  return {
    api: megabytes(residentBytes(api.pid).peak),
    worker: megabytes(residentBytes(worker.pid).peak),
    apiAtRest: megabytes(atRest[0].now),
    workerAtRest: megabytes(atRest[1].now),
  }
}
