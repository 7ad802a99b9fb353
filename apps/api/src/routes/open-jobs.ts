import { createHash } from 'node:crypto'
import type { OpenJob } from '@lading/catalog'
import { type ArtifactPath, isId, joinArtifactPath, parseListPrefix, type Sha256Hex } from '@lading/core'
import {
  JobParams,
  JobResponse,
  LadingError,
  OpenJobRequest,
  PlanRequest,
  PlanResponse,
  RunParams,
  SealJobRequest,
  UploadParams,
} from '@lading/protocol'
import { z } from 'zod'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { idempotencyKeyOf } from '../ingest/idempotency.ts'
import { jobBody, jobUrl } from '../job-body.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { found, jobOf, runOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog'>

const tag = 'Open jobs'

const OpenHeaders = z.object({
  'Idempotency-Key': z.string().optional().meta({
    description: 'All who come with the same key get the same job: the ranks of a training, or a retry',
  }),
})

export function open({ catalog }: Needs) {
  return operation({
    id: 'openJob',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Open a job, to which any number of requests add until it is sealed',
    description:
      'Uploads add to it by `job_id` in their query. What they bring is delivered while it is open.',
    params: RunParams,
    headers: OpenHeaders,
    json: OpenJobRequest,
    responses: { 201: json('The job', JobResponse) },
    errors: [
      'run_not_found',
      'path_invalid',
      'idempotency_key_invalid',
      'idempotency_key_reused',
      'job_too_large',
    ],
    async handle({ request, response, tenant, params, body }) {
      const run = await runOf(catalog, tenant, params.run_id)
      const key = idempotencyKeyOf(request)
      const opening =
        key === undefined ? undefined : { key, request: targetOf(request), content: contentOf(body) }
      const job = await catalog.jobs.open(run, openJobOf(body), opening)
      exchangeOf(response).jobId = job.jobId
      sendJson(response, 201, jobBody(job), { location: jobUrl(job.jobId) })
    },
  })
}

export function seal({ catalog }: Needs) {
  return operation({
    id: 'sealJob',
    permission: 'write',
    runNamedBy: 'job_id',
    tag,
    summary: 'End an open job, or one of its shards',
    description:
      'With `files` or `manifest_sha256`, only if its files are those: it stays open else. Twice is success.',
    params: JobParams,
    json: SealJobRequest,
    responses: { 200: json('The job', JobResponse) },
    errors: ['job_not_found', 'job_state_conflict', 'manifest_mismatch'],
    async handle({ response, tenant, params: { job_id: id }, body }) {
      const job = isId(id)
        ? await catalog.jobs.seal(tenant, id, {
            shard: body.shard,
            files: body.files,
            manifestSha256: body.manifest_sha256?.toLowerCase() as Sha256Hex | undefined,
          })
        : undefined
      sendJson(response, 200, jobBody(found(job, 'job_not_found', 'job', id)))
    },
  })
}

export function plan({ catalog }: Needs) {
  return operation({
    id: 'planUpload',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Ask which files an open job still needs',
    description:
      'What the job holds, or the run as its newest at that path, need not be sent again. Bytes that the tenant has at another path in the same bucket are not sent either: they are added to the open job, and copied by the store. Ask again before sealing, until nothing is needed.',
    params: UploadParams,
    json: PlanRequest,
    jsonLimit: 'planBytes',
    responses: { 200: json('What is to be sent', PlanResponse) },
    errors: [
      'run_not_found',
      'job_not_found',
      'path_invalid',
      'path_duplicate',
      'path_conflict',
      'job_state_conflict',
      'job_too_large',
      'request_too_large',
      'quota_exceeded',
    ],
    async handle({ response, tenant, identity, params, body }) {
      const run = await runOf(catalog, tenant, params.run_id)
      const job = await jobOf(catalog, tenant, params.job_id)
      found(job.runId === run.runId ? job : undefined, 'job_not_found', 'job', params.job_id)
      const directory = parseListPrefix(job.directory)
      const asked = body.files.map(({ path, size, sha256 }) => ({
        path: joinArtifactPath(directory, path),
        size,
        sha256: sha256.toLowerCase() as Sha256Hex,
      }))
      refuseDuplicates(asked.map((file) => file.path))
      // Copies come from other runs, whose bytes whoever knows a digest would get so.
      const copy = body.copy && identity.runId === undefined
      const planned = await catalog.jobs.plan(run, job.jobId, asked, { copy })
      const { needed, copied } = found(planned, 'job_not_found', 'job', job.jobId)
      const start = directory === '' ? 0 : directory.length + 1
      sendJson(response, 200, {
        needed: needed.map((path) => path.slice(start)),
        held: asked.length - needed.length - copied,
        copied,
      } satisfies PlanResponse)
    },
  })
}

function refuseDuplicates(paths: readonly ArtifactPath[]): void {
  const seen = new Set<string>()
  for (const path of paths) {
    if (seen.has(path))
      throw new LadingError('path_duplicate', `files: ${JSON.stringify(path)} is there twice`)
    seen.add(path)
  }
}

function openJobOf(body: OpenJobRequest): OpenJob {
  return {
    atomic: body.atomic,
    directory: parseListPrefix(body.artifact_path, 'artifact_path'),
    shards: body.shards,
    expectedFiles: body.expected_files,
    deadline: deadlineOf(body),
  }
}

/** Fails with `validation_failed` for one that has passed. */
function deadlineOf({ deadline, deadline_seconds: seconds }: OpenJobRequest): Date | undefined {
  if (seconds !== undefined) return new Date(Date.now() + seconds * 1000)
  if (deadline === undefined) return undefined
  const date = new Date(deadline)
  if (date.getTime() > Date.now()) return date
  throw new LadingError('validation_failed', 'deadline: it has passed; give a time to come')
}

/** As it was asked for: a deadline in seconds is the same request whenever it comes. */
function contentOf(body: OpenJobRequest): string {
  const { artifact_path, atomic, shards, expected_files, deadline, deadline_seconds } = body
  const content = [
    parseListPrefix(artifact_path, 'artifact_path'),
    atomic,
    shards,
    expected_files,
    deadline,
    deadline_seconds,
  ]
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

function targetOf(request: { readonly method: string; readonly originalUrl: string }): string {
  return `${request.method} ${request.originalUrl}`
}
