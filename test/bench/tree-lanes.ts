import type { JobResponse } from '@lading/protocol'
import type { BenchSystem } from './lading.ts'
import { jobIdOf } from './logged.ts'
import { now } from './now.ts'
import { placeOf, type SendingRequest } from './programs/send.ts'
import { send } from './send.ts'

export interface TreeShape {
  readonly files: number
  readonly fileBytes: number
}

type Lane = (system: BenchSystem, tree: TreeShape) => Promise<{ ms: number; jobIds: readonly string[] }>

const FILES_PER_FORM = 500

/** The ways in which a client may log a directory, each to a new run. */
export const LANES = {
  'one tar': byTar,
  'forms of 500': byForms,
  'one request a file': byFile,
} as const satisfies Record<string, Lane>

/** What each is given of the files: a request a file is so much slower that a tenth of them is enough to tell. */
export const SHARES: Record<keyof typeof LANES, number> = {
  'one tar': 1,
  'forms of 500': 1,
  'one request a file': 0.1,
}

async function byTar({ api, client }: BenchSystem, { files, fileBytes }: TreeShape) {
  const path = `${await newRun(client)}/log-artifacts`
  const body = { kind: 'tar', files, fileBytes, directory: 'tree' } as const
  const requests = [{ method: 'POST', path, tenant: 'bench', body } as const]
  const { ms, answers } = await send({ url: api.url, requests, concurrency: 1 })
  return { ms, jobIds: answers.map(jobIdOf) }
}

async function byForms(system: BenchSystem, { files, fileBytes }: TreeShape) {
  const forms = Array.from({ length: Math.ceil(files / FILES_PER_FORM) }, (_, index) => ({
    files: Math.min(FILES_PER_FORM, files - index * FILES_PER_FORM),
    directory: `tree/${index}`,
  }))
  return await intoOpenJob(system, 4, (run, query) =>
    forms.map((form) => ({
      method: 'POST',
      path: `${run}/log-artifacts?${query}`,
      tenant: 'bench',
      body: { kind: 'form', fileBytes, ...form },
    })),
  )
}

async function byFile(system: BenchSystem, { files, fileBytes }: TreeShape) {
  return await intoOpenJob(system, 32, (run, query) =>
    Array.from({ length: files }, (_, index) => ({
      method: 'PUT',
      path: `${run}/artifacts/tree/${index}.bin?${query}`,
      tenant: 'bench',
      body: { kind: 'raw', bytes: fileBytes, from: placeOf(index) },
    })),
  )
}

/** Sealed when all is accepted, so that it is one directory, as a tar is. */
async function intoOpenJob(
  { api, client }: BenchSystem,
  concurrency: number,
  requestsOf: (run: string, query: string) => SendingRequest[],
) {
  const run = await newRun(client)
  const opened = await client.call<JobResponse>('POST', `${run}/uploads`, {})
  const { job_id } = opened.body
  const { ms } = await send({ url: api.url, requests: requestsOf(run, `job_id=${job_id}`), concurrency })
  const start = now()
  await client.call('POST', `/api/v1/jobs/${job_id}/seal`, {})
  return { ms: ms + now() - start, jobIds: [job_id] }
}

async function newRun(client: BenchSystem['client']): Promise<string> {
  return `/api/v1/experiments/runs/${(await client.createRun()).run_id}`
}
