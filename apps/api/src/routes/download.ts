import { pipeline } from 'node:stream/promises'
import type { Artifact, Run } from '@lading/catalog'
import type { ByteRange, OpenObject } from '@lading/core'
import {
  type ArchiveFormat,
  ArtifactParams,
  type ErrorCode,
  GetArtifactQuery,
  LadingError,
} from '@lading/protocol'
import type { Response } from 'express'
import { z } from 'zod'
import { etagOf } from '../artifact-body.ts'
import type { ApiContext } from '../context.ts'
import { sendArchive } from '../download/archive/send-archive.ts'
import { artifactHeaders, lengthHeaders, validatorHeaders } from '../download/artifact-head.ts'
import { evaluate, rangeHolds } from '../download/conditions.ts'
import { isDirectory } from '../download/directory.ts'
import { rangeOf } from '../download/range.ts'
import { wholeCheck } from '../download/whole-check.ts'
import { exchangeOf, goneSignal } from '../exchange.ts'
import { type Call, operation } from '../operation.ts'
import { ARCHIVE_ERRORS, ARCHIVES_OUT } from './archives-out.ts'
import { artifactPathOf, directoryPathOf } from './artifact-path.ts'
import { runOf } from './ids.ts'

type Needs = Pick<ApiContext, 'catalog' | 'store' | 'log'>
type ArtifactCall = Call<z.output<typeof ArtifactParams>, z.output<typeof GetArtifactQuery>, unknown>

const tag = 'Artifacts'
const BYTES = { 'application/octet-stream': { schema: { type: 'string' as const, format: 'binary' } } }
const ERRORS_OF_BOTH: readonly ErrorCode[] = [
  'run_not_found',
  'artifact_not_found',
  'path_invalid',
  'precondition_failed',
  'artifact_replacing',
  'range_not_satisfiable',
]

const ConditionHeaders = z.object({
  Range: z
    .string()
    .optional()
    .meta({ description: 'One range of bytes (RFC 9110, 14.2)', example: 'bytes=0-1023' }),
  'If-Match': z.string().optional(),
  'If-None-Match': z.string().optional(),
  'If-Modified-Since': z.string().optional(),
  'If-Unmodified-Since': z.string().optional(),
  'If-Range': z.string().optional(),
})

export function get(context: Needs) {
  return operation({
    id: 'getArtifact',
    permission: 'read',
    runNamedBy: 'run_id',
    tag,
    summary: 'Download an artifact, or a range of it, or a directory as an archive',
    description: ARCHIVES_OUT.description,
    params: ArtifactParams,
    query: GetArtifactQuery,
    headers: ConditionHeaders,
    responses: {
      200: { description: 'The bytes', content: { ...BYTES, ...ARCHIVES_OUT.content } },
      206: { description: 'The range', content: BYTES },
      304: { description: 'The client has it already' },
    },
    errors: [...ERRORS_OF_BOTH, ...ARCHIVE_ERRORS],
    async handle(call) {
      if (call.query.archive !== undefined) return await archive(context, call, call.query.archive)
      const artifact = await artifactOf(context, call)
      const range = conditionally(call, artifact)
      if (range !== 'answered') await send(context, call.response, artifact, range)
    },
  })
}

export function head(context: Needs) {
  return operation({
    id: 'headArtifact',
    permission: 'read',
    runNamedBy: 'run_id',
    tag,
    summary: 'What a download would answer, without the bytes',
    params: ArtifactParams,
    query: GetArtifactQuery,
    headers: ConditionHeaders,
    responses: { 200: { description: 'There it is' }, 304: { description: 'The client has it already' } },
    errors: ERRORS_OF_BOTH,
    async handle(call) {
      if (call.query.archive !== undefined) return await archive(context, call, call.query.archive)
      const artifact = await artifactOf(context, call)
      const range = conditionally(call, artifact)
      if (range !== 'answered') writeHead(call.response, artifact, range).end()
    },
  })
}

async function archive(context: Needs, call: ArtifactCall, format: ArchiveFormat): Promise<void> {
  const directory = directoryPathOf(call.request)
  const run = await runOfCall(context, call)
  await sendArchive(context, call, run, { directory, format })
}

async function artifactOf(context: Needs, call: ArtifactCall): Promise<Artifact> {
  const { artifacts } = context.catalog
  const path = artifactPathOf(call.request)
  const run = await runOfCall(context, call)
  const artifact = await artifacts.get(run, path)
  if (artifact?.state === 'replacing') throw replacing()
  if (artifact !== undefined) return artifact
  const detail = (await isDirectory(artifacts, run, path))
    ? 'path: this is a directory; ask for it with `?archive=tar`, or list what lies in it with `GET .../artifacts?path=`'
    : 'path: the run has no stored artifact at this path'
  throw new LadingError('artifact_not_found', detail)
}

async function runOfCall({ catalog }: Needs, { tenant, params, response }: ArtifactCall): Promise<Run> {
  const run = await runOf(catalog, tenant, params.run_id)
  exchangeOf(response).runId = run.runId
  return run
}

/** The range to send, or undefined for the whole; or says that the conditions decided the answer. */
function conditionally(
  { request, response }: ArtifactCall,
  artifact: Artifact,
): ByteRange | undefined | 'answered' {
  const validators = { etag: etagOf(artifact), lastModified: artifact.storedAt }
  const outcome = evaluate(request.headers, validators)
  if (outcome === 'failed') {
    throw new LadingError(
      'precondition_failed',
      'If-Match or If-Unmodified-Since: the artifact is another by now',
    )
  }
  if (outcome === 'not-modified') {
    response.writeHead(304, validatorHeaders(artifact)).end()
    return 'answered'
  }
  // A range has a meaning for GET alone (RFC 9110, 14.2).
  if (request.method !== 'GET' || !rangeHolds(request.headers, validators)) return undefined
  return rangeOf(request.headers.range, artifact.size)
}

async function send(
  context: Needs,
  response: Response,
  artifact: Artifact,
  range: ByteRange | undefined,
): Promise<void> {
  const gone = goneSignal(response)
  const opened = await open(context, artifact, range, gone)
  const length = range === undefined ? artifact.size : range.end - range.start + 1
  writeHead(response, artifact, range)
  try {
    const check = wholeCheck(length, range === undefined ? artifact.sha256 : undefined)
    await pipeline(opened.body, check, response)
  } catch (error) {
    response.destroy()
    if (gone.aborted && !(error instanceof LadingError)) return
    const { requestId } = exchangeOf(response)
    context.log.error(
      { err: error, req_id: requestId, run_id: artifact.runId, path: artifact.path },
      'a download was cut off',
    )
  }
}

/** The object of an artifact may be moved to its own key between the look and the request (docs/decisions/0009). */
async function open(
  { catalog, store }: Needs,
  artifact: Artifact,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<OpenObject> {
  try {
    return await openAt(store, artifact, range, signal)
  } catch (error) {
    const now = await catalog.artifacts.get(artifact, artifact.path)
    if (now?.sha256 !== artifact.sha256 || (now.key === artifact.key && now.etag === artifact.etag))
      throw error
    return await openAt(store, now, range, signal)
  }
}

async function openAt(
  store: ApiContext['store'],
  { bucket, key, etag }: Artifact,
  range: ByteRange | undefined,
  signal: AbortSignal,
): Promise<OpenObject> {
  try {
    return await store.get(
      { bucket, key },
      { ifMatch: etag, signal, ...(range === undefined ? {} : { range }) },
    )
  } catch (error) {
    if (error instanceof LadingError && error.code === 'store_precondition_failed') throw replacing(error)
    throw error
  }
}

function writeHead(response: Response, artifact: Artifact, range: ByteRange | undefined): Response {
  const headers = { ...artifactHeaders(artifact), ...lengthHeaders(artifact, range) }
  return response.writeHead(range === undefined ? 200 : 206, headers)
}

function replacing(cause?: unknown): LadingError {
  const detail = 'path: a newer file is being written over this artifact; ask again in a moment'
  return new LadingError('artifact_replacing', detail, { cause, retryAfter: 1 })
}
