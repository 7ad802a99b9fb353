import type { Run } from '@lading/catalog'
import { isId, type ObjectStore } from '@lading/core'
import {
  CreateRunRequest,
  ExperimentParams,
  ListRunsQuery,
  RunListResponse,
  RunParams,
  RunResponse,
  UpdateRunRequest,
} from '@lading/protocol'
import { z } from 'zod'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { idempotencyKeyOf } from '../ingest/idempotency.ts'
import { locationUri } from '../location-uri.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { experimentOf, found, runOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'store'>

const tag = 'Runs'

const CreateHeaders = z.object({
  'Idempotency-Key': z.string().optional().meta({
    description: 'The same key is the same run of the experiment, for ever: a retry starts no second one',
  }),
})

export function create({ catalog, store }: Needs) {
  return operation({
    id: 'createRun',
    permission: 'write',
    tag,
    summary: 'Start a run',
    params: ExperimentParams,
    headers: CreateHeaders,
    json: CreateRunRequest,
    responses: { 201: json('Created', RunResponse) },
    errors: [
      'experiment_not_found',
      'experiment_deleted',
      'idempotency_key_invalid',
      'unsupported_media_type',
    ],
    async handle({ tenant, params, body, request, response }) {
      const experiment = await experimentOf(catalog, tenant, params.experiment_id)
      const run = await catalog.runs.create(tenant, {
        experimentId: experiment.experimentId,
        name: body.name,
        key: idempotencyKeyOf(request),
      })
      exchangeOf(response).runId = run.runId
      sendJson(response, 201, runBody(run, store), { location: `/api/v1/experiments/runs/${run.runId}` })
    },
  })
}

export function list({ catalog, store }: Needs) {
  return operation({
    id: 'listRuns',
    permission: 'read',
    tag,
    summary: 'List the runs of an experiment',
    params: ExperimentParams,
    query: ListRunsQuery,
    responses: { 200: json('A page of runs', RunListResponse) },
    errors: ['experiment_not_found'],
    async handle({ tenant, params, query: { limit, cursor }, response }) {
      const { experimentId } = await experimentOf(catalog, tenant, params.experiment_id)
      const page = await catalog.runs.listByExperiment(tenant, experimentId, { limit, cursor })
      sendJson(response, 200, {
        runs: page.items.map((run) => runBody(run, store)),
        next_cursor: page.nextCursor ?? null,
      } satisfies RunListResponse)
    },
  })
}

export function get({ catalog, store }: Needs) {
  return operation({
    id: 'getRun',
    permission: 'read',
    runNamedBy: 'run_id',
    tag,
    summary: 'Get a run',
    params: RunParams,
    responses: { 200: json('The run', RunResponse) },
    errors: ['run_not_found'],
    async handle({ tenant, params, response }) {
      sendJson(response, 200, runBody(await runOf(catalog, tenant, params.run_id), store))
    },
  })
}

export function update({ catalog, store }: Needs) {
  return operation({
    id: 'updateRun',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: "Set a run's status, end or name",
    params: RunParams,
    json: UpdateRunRequest,
    responses: { 200: json('The run', RunResponse) },
    errors: ['run_not_found', 'unsupported_media_type'],
    async handle({ tenant, params: { run_id: id }, body, response }) {
      const change = {
        ...(body.status === undefined ? {} : { status: body.status }),
        ...(body.ended_at === undefined ? {} : { endedAt: new Date(body.ended_at) }),
        ...(body.name === undefined ? {} : { name: body.name }),
      }
      const run = isId(id) ? await catalog.runs.update(tenant, id, change) : undefined
      sendJson(response, 200, runBody(found(run, 'run_not_found', 'run', id), store))
    },
  })
}

function runBody(run: Run, store: ObjectStore): RunResponse {
  return {
    run_id: run.runId,
    experiment_id: run.experimentId,
    name: run.name,
    status: run.status,
    artifact_uri: locationUri(store, run.location),
    started_at: run.startedAt.toISOString(),
    ended_at: run.endedAt?.toISOString() ?? null,
  }
}
