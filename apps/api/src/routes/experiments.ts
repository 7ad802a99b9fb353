import type { Experiment, Location } from '@lading/catalog'
import {
  type ArtifactLocation,
  isId,
  locationWithin,
  type ObjectStore,
  parseArtifactLocation,
  type TenantId,
} from '@lading/core'
import {
  CreateExperimentRequest,
  ExperimentListResponse,
  ExperimentParams,
  ExperimentResponse,
  LadingError,
  ListExperimentsQuery,
} from '@lading/protocol'
import type { LocationRules } from '../config.ts'
import type { ApiContext } from '../context.ts'
import { locationUri } from '../location-uri.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { experimentOf, found } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'store' | 'config'>

const tag = 'Experiments'

export function create({ catalog, store, config }: Needs) {
  return operation({
    id: 'createExperiment',
    permission: 'write',
    tag,
    summary: 'Create an experiment',
    json: CreateExperimentRequest,
    responses: { 201: json('Created', ExperimentResponse) },
    errors: ['experiment_exists', 'location_invalid', 'location_forbidden', 'unsupported_media_type'],
    async handle({ tenant, body, response }) {
      const location = allowedLocation(body.artifact_location, tenant, config.locations)
      const experiment = await catalog.experiments.create(tenant, { name: body.name, location })
      const headers = { location: `/api/v1/experiments/${experiment.experimentId}` }
      sendJson(response, 201, experimentBody(experiment, store), headers)
    },
  })
}

export function list({ catalog, store }: Needs) {
  return operation({
    id: 'listExperiments',
    permission: 'read',
    tag,
    summary: 'List experiments, or find one by its name',
    query: ListExperimentsQuery,
    responses: { 200: json('A page of experiments', ExperimentListResponse) },
    async handle({ tenant, query, response }) {
      const page =
        query.name === undefined ? await catalog.experiments.list(tenant, pageOf(query)) : undefined
      const named =
        query.name === undefined ? undefined : await catalog.experiments.getByName(tenant, query.name)
      const wanted = named !== undefined && (named.deletedAt !== undefined) === query.deleted ? [named] : []
      sendJson(response, 200, {
        experiments: (page?.items ?? wanted).map((experiment) => experimentBody(experiment, store)),
        next_cursor: page?.nextCursor ?? null,
      } satisfies ExperimentListResponse)
    },
  })
}

export function get({ catalog, store }: Needs) {
  return operation({
    id: 'getExperiment',
    permission: 'read',
    tag,
    summary: 'Get an experiment, also a deleted one',
    params: ExperimentParams,
    responses: { 200: json('The experiment', ExperimentResponse) },
    errors: ['experiment_not_found'],
    async handle({ tenant, params, response }) {
      sendJson(
        response,
        200,
        experimentBody(await experimentOf(catalog, tenant, params.experiment_id), store),
      )
    },
  })
}

export function remove({ catalog }: Needs) {
  return operation({
    id: 'deleteExperiment',
    permission: 'delete',
    tag,
    summary: 'Mark an experiment as deleted; its runs and artifacts stay',
    params: ExperimentParams,
    responses: { 204: { description: 'Deleted' } },
    errors: ['experiment_not_found'],
    async handle({ tenant, params: { experiment_id: id }, response }) {
      const gone = isId(id) ? await catalog.experiments.delete(tenant, id) : undefined
      found(gone, 'experiment_not_found', 'experiment', id)
      response.writeHead(204).end()
    },
  })
}

export function restore({ catalog, store }: Needs) {
  return operation({
    id: 'restoreExperiment',
    permission: 'write',
    tag,
    summary: 'Restore a deleted experiment',
    params: ExperimentParams,
    responses: { 200: json('The experiment', ExperimentResponse) },
    errors: ['experiment_not_found'],
    async handle({ tenant, params: { experiment_id: id }, response }) {
      const experiment = isId(id) ? await catalog.experiments.restore(tenant, id) : undefined
      const restored = found(experiment, 'experiment_not_found', 'experiment', id)
      sendJson(response, 200, experimentBody(restored, store))
    },
  })
}

function pageOf({
  limit,
  cursor,
  deleted,
}: {
  limit: number
  cursor?: string | undefined
  deleted: boolean
}) {
  return { limit, cursor, deleted }
}

function experimentBody(experiment: Experiment, store: ObjectStore): ExperimentResponse {
  return {
    experiment_id: experiment.experimentId,
    name: experiment.name,
    artifact_location: locationUri(store, experiment.location),
    created_at: experiment.createdAt.toISOString(),
    updated_at: experiment.updatedAt.toISOString(),
    deleted_at: experiment.deletedAt?.toISOString() ?? null,
  }
}

/** Fails with `location_invalid`, and `location_forbidden` outside of the roots that the tenant may use. */
function allowedLocation(
  text: string | undefined,
  tenant: TenantId,
  rules: LocationRules,
): Location | undefined {
  if (text === undefined) return undefined
  const location = parseArtifactLocation(text, rules.scheme)
  if (!locationWithin(location, rootsOf(tenant, rules))) {
    throw new LadingError(
      'location_forbidden',
      'artifact_location: it lies outside the roots that the operator allows for this tenant; leave it out, or ask for one',
    )
  }
  return { bucket: location.bucket, prefix: location.prefix }
}

/** With `tenantPrefix`, no tenant has a place in a root of all at which another's keys might be. */
function rootsOf(tenant: TenantId, { roots, tenantPrefix }: LocationRules): ArtifactLocation[] {
  return roots
    .filter((root) => root.tenant === undefined || root.tenant === tenant)
    .map(({ tenant: owner, location }) =>
      owner === undefined && tenantPrefix
        ? { ...location, prefix: `${location.prefix}${tenant}/` }
        : location,
    )
}
