import { isId, jobHasEnded } from '@lading/core'
import {
  GetJobQuery,
  JobFileListResponse,
  JobListResponse,
  JobParams,
  JobResponse,
  LadingError,
  ListJobFilesQuery,
  ListJobsQuery,
} from '@lading/protocol'
import type { z } from 'zod'
import type { ApiContext } from '../context.ts'
import { goneSignal } from '../exchange.ts'
import { jobBody, jobFileBody, jobUrl } from '../job-body.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { found, jobOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'jobWatch' | 'config' | 'stopping'>

const tag = 'Jobs'

export function get({ catalog, jobWatch, config, stopping }: Needs) {
  return operation({
    id: 'getJob',
    permission: 'read',
    runNamedBy: 'job_id',
    tag,
    summary: 'Get a job, at once or when it has ended',
    params: JobParams,
    query: GetJobQuery,
    responses: { 200: json('The job', JobResponse) },
    errors: ['job_not_found'],
    async handle({ tenant, params, query, response }) {
      let job = await jobOf(catalog, tenant, params.job_id)
      const wait = Math.min((query.wait ?? 0) * 1000, config.limits.waitMs)
      if (wait > 0 && !jobHasEnded(job.state)) {
        const signal = AbortSignal.any([goneSignal(response), stopping.signal])
        await jobWatch.untilEnded(job.jobId, wait, signal)
        job = await jobOf(catalog, tenant, params.job_id)
      }
      sendJson(response, 200, jobBody(job))
    },
  })
}

export function list({ catalog }: Needs) {
  return operation({
    id: 'listJobs',
    permission: 'read',
    runNamedBy: 'run_id',
    tag,
    summary: 'List jobs, newest first, or get many by id',
    description: 'With `ids`, those that are not there are left out.',
    query: ListJobsQuery,
    responses: { 200: json('A page of jobs', JobListResponse) },
    async handle({ tenant, query, response }) {
      if (query.ids !== undefined) {
        const jobs = await catalog.jobs.getMany(tenant, soleIds(query.ids, query))
        sendJson(response, 200, { jobs: jobs.map(jobBody), next_cursor: null } satisfies JobListResponse)
        return
      }
      const { limit, cursor } = query
      const page = await catalog.jobs.list(tenant, filterOf(query), { limit, cursor })
      const body = { jobs: page.items.map(jobBody), next_cursor: page.nextCursor ?? null }
      sendJson(response, 200, body satisfies JobListResponse)
    },
  })
}

export function files({ catalog }: Needs) {
  return operation({
    id: 'listJobFiles',
    permission: 'read',
    runNamedBy: 'job_id',
    tag,
    summary: 'The files of a job, each with its state',
    params: JobParams,
    query: ListJobFilesQuery,
    responses: { 200: json('A page of files', JobFileListResponse) },
    errors: ['job_not_found'],
    async handle({ tenant, params, query: { state, limit, cursor }, response }) {
      const { jobId } = await jobOf(catalog, tenant, params.job_id)
      const filter = state === undefined ? {} : { state }
      const page = await catalog.jobs.files(tenant, jobId, filter, { limit, cursor })
      const body = { files: page.items.map(jobFileBody), next_cursor: page.nextCursor ?? null }
      sendJson(response, 200, body satisfies JobFileListResponse)
    },
  })
}

export function cancel({ catalog }: Needs) {
  return operation({
    id: 'cancelJob',
    permission: 'write',
    runNamedBy: 'job_id',
    tag,
    summary: 'Ask that a job stop',
    description: 'What no worker holds is cancelled at once, the rest when its worker hears of it.',
    params: JobParams,
    responses: { 202: json('The job, cancelled or about to be', JobResponse) },
    errors: ['job_not_found', 'job_state_conflict'],
    async handle({ tenant, params: { job_id: id }, response }) {
      const job = isId(id) ? await catalog.jobs.cancel(tenant, id) : undefined
      sendJson(response, 202, jobBody(found(job, 'job_not_found', 'job', id)), { location: jobUrl(id) })
    },
  })
}

export function retry({ catalog }: Needs) {
  return operation({
    id: 'retryJob',
    permission: 'write',
    runNamedBy: 'job_id',
    tag,
    summary: 'Queue the failed files of a failed job again',
    params: JobParams,
    responses: { 202: json('The job', JobResponse) },
    errors: ['job_not_found', 'job_state_conflict', 'path_conflict', 'quota_exceeded', 'spool_lost'],
    async handle({ tenant, params: { job_id: id }, response }) {
      const job = isId(id) ? await catalog.jobs.retry(tenant, id) : undefined
      sendJson(response, 202, jobBody(found(job, 'job_not_found', 'job', id)), { location: jobUrl(id) })
    },
  })
}

type Query = z.output<typeof ListJobsQuery>

/** Ids that cannot be any job's name nothing. */
function soleIds(ids: readonly string[], query: Query): string[] {
  for (const other of ['run_id', 'state', 'cursor'] as const) {
    if (query[other] !== undefined) {
      throw new LadingError('validation_failed', `${other}: give it without ids, which name jobs one by one`)
    }
  }
  return [...new Set(ids.filter(isId))]
}

function filterOf({ run_id, state }: Query) {
  if (run_id !== undefined && !isId(run_id)) {
    throw new LadingError('validation_failed', 'run_id: it must be the id of a run, a UUID in lower case')
  }
  return { ...(run_id === undefined ? {} : { runId: run_id }), ...(state === undefined ? {} : { state }) }
}
