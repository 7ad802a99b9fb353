import type { RunRef } from '@lading/catalog'
import { type ArtifactDirectory, type ArtifactPath, parseListPrefix } from '@lading/core'
import {
  ArtifactListResponse,
  ArtifactParams,
  DeleteArtifactQuery,
  JobResponse,
  LadingError,
  ListArtifactsQuery,
  RunParams,
} from '@lading/protocol'
import type { z } from 'zod'
import { artifactBody } from '../artifact-body.ts'
import type { ApiContext } from '../context.ts'
import { sendArchive } from '../download/archive/send-archive.ts'
import { isDirectory } from '../download/directory.ts'
import { exchangeOf } from '../exchange.ts'
import { jobBody, jobUrl } from '../job-body.ts'
import { operation } from '../operation.ts'
import { sendJson } from '../send-json.ts'
import { ARCHIVE_ERRORS, ARCHIVES_OUT } from './archives-out.ts'
import { artifactPathOf, directoryPathOf } from './artifact-path.ts'
import { runOf } from './ids.ts'
import { json } from './json-response.ts'

type Needs = Pick<ApiContext, 'catalog' | 'store' | 'log'>

const tag = 'Artifacts'

export function list(context: Needs) {
  const { catalog, store } = context
  return operation({
    id: 'listArtifacts',
    permission: 'read',
    runNamedBy: 'run_id',
    tag,
    summary: 'List the artifacts of a run, or download them as an archive',
    description: `What lies directly in a directory, or with \`recursive\` all files below it and the directories that came empty, by path (bytewise). ${ARCHIVES_OUT.description}`,
    params: RunParams,
    query: ListArtifactsQuery,
    responses: {
      200: {
        description: 'A page of artifacts, or the archive',
        content: { 'application/json': { schema: ArtifactListResponse }, ...ARCHIVES_OUT.content },
      },
    },
    errors: ['run_not_found', 'path_invalid', 'artifact_not_found', 'artifact_replacing', ...ARCHIVE_ERRORS],
    async handle({ tenant, params, query, request, response }) {
      const directory = parseListPrefix(query.path)
      const run = await runOf(catalog, tenant, params.run_id)
      exchangeOf(response).runId = run.runId
      if (query.archive === undefined) {
        sendJson(response, 200, await pageOf({ catalog, store }, run, directory, query))
      } else {
        refuseCursor(query.cursor)
        await sendArchive(context, { request, response }, run, { directory, format: query.archive })
      }
    },
  })
}

export function remove({ catalog }: Needs) {
  return operation({
    id: 'deleteArtifact',
    permission: 'delete',
    runNamedBy: 'run_id',
    tag,
    summary: 'Delete an artifact, or a directory',
    description:
      'What is deleted is gone from the catalog at once. The objects of a directory are deleted by the job of the answer.',
    params: ArtifactParams,
    query: DeleteArtifactQuery,
    responses: {
      202: json('The directory is deleted, and the job deletes its objects', JobResponse),
      204: { description: 'Deleted' },
    },
    errors: ['run_not_found', 'artifact_not_found', 'path_invalid'],
    async handle({ tenant, params, query, request, response }) {
      const path = query.recursive ? directoryPathOf(request) : artifactPathOf(request)
      const run = await runOf(catalog, tenant, params.run_id)
      exchangeOf(response).runId = run.runId
      if (await catalog.artifacts.delete(run, path)) {
        response.writeHead(204).end()
        return
      }
      const job = query.recursive ? await catalog.artifacts.deleteDirectory(run, path) : undefined
      if (job === undefined) throw await notDeleted(catalog, run, path)
      exchangeOf(response).jobId = job.jobId
      sendJson(response, 202, jobBody(job), { location: jobUrl(job.jobId) })
    },
  })
}

async function pageOf(
  { catalog, store }: Pick<Needs, 'catalog' | 'store'>,
  run: RunRef,
  directory: ArtifactDirectory,
  { recursive, limit, cursor }: z.output<typeof ListArtifactsQuery>,
): Promise<ArtifactListResponse> {
  const { items, nextCursor } = recursive
    ? await catalog.artifacts.listDeep(run, directory, { limit, cursor })
    : await catalog.artifacts.listLevel(run, directory, { limit, cursor })
  return {
    artifacts: items.map((item) =>
      'isDirectory' in item ? { path: item.path, is_dir: true } : artifactBody(item, store),
    ),
    next_cursor: nextCursor ?? null,
  }
}

function refuseCursor(cursor: string | undefined): void {
  if (cursor === undefined) return
  throw new LadingError('validation_failed', 'cursor: an archive has no pages; leave it out')
}

async function notDeleted(
  { artifacts }: ApiContext['catalog'],
  run: RunRef,
  path: ArtifactPath,
): Promise<LadingError> {
  if (await isDirectory(artifacts, run, path)) {
    const detail =
      'recursive: the path is a directory; give `?recursive=true` to delete it with all that lies in it'
    return new LadingError('validation_failed', detail)
  }
  return new LadingError('artifact_not_found', 'path: the run has no stored artifact at this path')
}
