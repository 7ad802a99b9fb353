import { parseListPrefix } from '@lading/core'
import {
  ArtifactListResponse,
  ArtifactParams,
  LadingError,
  ListArtifactsQuery,
  RunParams,
} from '@lading/protocol'
import { artifactBody } from '../artifact-body.ts'
import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { artifactPathOf } from './artifact-path.ts'
import { runOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'store'>

const tag = 'Artifacts'

export function list({ catalog, store }: Needs) {
  return operation({
    id: 'listArtifacts',
    tag,
    summary: 'List the artifacts of a run',
    description:
      'What lies directly in a directory, or with `recursive` all files below it, by path (bytewise).',
    params: RunParams,
    query: ListArtifactsQuery,
    responses: { 200: json('A page of artifacts', ArtifactListResponse) },
    errors: ['run_not_found', 'path_invalid'],
    async handle({ tenant, params, query, response }) {
      const directory = parseListPrefix(query.path)
      const { runId } = await runOf(catalog, tenant, params.run_id)
      const request = { limit: query.limit, cursor: query.cursor }
      const page = query.recursive
        ? await catalog.artifacts.listDeep(runId, directory, request)
        : await catalog.artifacts.listLevel(runId, directory, request)
      sendJson(response, 200, {
        artifacts: page.items.map((item) =>
          'isDirectory' in item ? { path: item.path, is_dir: true } : artifactBody(item, store),
        ),
        next_cursor: page.nextCursor ?? null,
      } satisfies ArtifactListResponse)
    },
  })
}

export function remove({ catalog }: Needs) {
  return operation({
    id: 'deleteArtifact',
    tag,
    summary: 'Delete an artifact',
    params: ArtifactParams,
    responses: { 204: { description: 'Deleted' } },
    errors: ['run_not_found', 'artifact_not_found', 'path_invalid'],
    async handle({ tenant, params, request, response }) {
      const path = artifactPathOf(request)
      const { runId } = await runOf(catalog, tenant, params.run_id)
      exchangeOf(response).runId = runId
      if (!(await catalog.artifacts.delete(runId, path))) {
        throw new LadingError('artifact_not_found', 'path: the run has no stored artifact at this path')
      }
      response.writeHead(204).end()
    },
  })
}
