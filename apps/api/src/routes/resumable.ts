import { type ErrorCode, LadingError, ResumableParams, RunParams } from '@lading/protocol'
import { z } from 'zod'
import type { ZodOpenApiResponseObject } from 'zod-openapi'
import type { ApiContext } from '../context.ts'
import { operation } from '../operation.ts'
import { tellProgress, uploadUrl } from '../resumable/answer.ts'
import { create as createUpload } from '../resumable/create.ts'
import { hold } from '../resumable/hold.ts'
import { forget } from '../resumable/open-pack.ts'
import { CHECKSUM_ALGORITHMS } from '../resumable/piece-checksum.ts'
import { settle, takePiece } from '../resumable/progress.ts'
import {
  byteCountIn,
  checkPieceType,
  speakTus,
  TUS_EXTENSIONS,
  TUS_MEDIA_TYPE,
  TUS_VERSION,
} from '../resumable/tus.ts'
import { uploadOf } from '../resumable/upload-of.ts'

const tag = 'Resumable uploads'

const TUS_RESUMABLE = z
  .string()
  .optional()
  .meta({ description: 'Version of the protocol', example: TUS_VERSION })

const Progress = z.object({
  'Upload-Offset': z.string().meta({ description: 'Bytes that are kept: go on from there' }),
  'Upload-Expires': z.string().meta({ description: 'When the upload is dropped, if nothing more comes' }),
  'Lading-Job-Id': z
    .string()
    .optional()
    .meta({ description: 'The job that the upload became, once it is whole' }),
  'Lading-Status-Url': z.string().optional().meta({ description: 'Address of that job' }),
  'Lading-Sha256': z
    .string()
    .optional()
    .meta({ description: 'SHA-256 of what it accepted, in hexadecimal, where it was declared' }),
})

const piece = { content: { [TUS_MEDIA_TYPE]: { schema: { type: 'string', format: 'binary' } } } } as const

const FINISH_ERRORS: readonly ErrorCode[] = [
  'run_not_found',
  'job_not_found',
  'job_state_conflict',
  'path_conflict',
  'digest_mismatch',
]

const UPLOAD_ERRORS: readonly ErrorCode[] = [
  'upload_not_found',
  'upload_locked',
  'upload_elsewhere',
  'precondition_failed',
]

const PIECE_ERRORS: readonly ErrorCode[] = [
  'unsupported_media_type',
  'digest_invalid',
  'digest_unsupported',
  'checksum_mismatch',
  'request_too_large',
  'request_timeout',
  'too_many_at_once',
  'too_many_bytes',
  'quota_exceeded',
  'backlog_full',
  'job_too_large',
  'client_aborted',
  'spool_full',
]

export function options({ config }: ApiContext) {
  return operation({
    id: 'resumableOptions',
    permission: 'public',
    tag,
    summary: 'What of tus 1.0 is spoken here',
    params: RunParams,
    responses: {
      204: answer('In the header: `Tus-Version`, `Tus-Extension`, `Tus-Max-Size`, `Tus-Checksum-Algorithm`'),
    },
    handle({ response }) {
      response.setHeader('tus-resumable', TUS_VERSION)
      response.setHeader('tus-version', TUS_VERSION)
      response.setHeader('tus-extension', TUS_EXTENSIONS)
      response.setHeader('tus-max-size', config.limits.fileBytes)
      response.setHeader('tus-checksum-algorithm', CHECKSUM_ALGORITHMS.join(','))
      response.writeHead(204).end()
    },
  })
}

export function create(context: ApiContext) {
  return operation({
    id: 'createResumable',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Begin a resumable upload of one file (tus 1.0)',
    description:
      'The file is accepted when its last byte is there. A body is the first piece of it (Creation With Upload).',
    params: RunParams,
    headers: z.object({
      'Tus-Resumable': TUS_RESUMABLE,
      'Upload-Length': z.string().meta({ description: 'Bytes of the file', example: '5368709120' }),
      'Upload-Metadata': z.string().meta({
        description:
          'Keys with values in base64: `path` of the artifact, or `filename` and perhaps `artifact_path`; perhaps `sha256` of the file (hexadecimal), and `job_id` of an open job',
        example: 'path bW9kZWxzL21vZGVsLnBrbA==',
      }),
      'Upload-Checksum': z
        .string()
        .optional()
        .meta({ description: '`sha1` or `sha256`, and the digest in base64' }),
      'Idempotency-Key': z
        .string()
        .optional()
        .meta({ description: 'The same key begins the same upload once' }),
    }),
    stream: { required: false, ...piece },
    responses: { 201: answer('`Location` is the address of the upload', Progress) },
    errors: [
      ...FINISH_ERRORS,
      ...PIECE_ERRORS,
      'upload_locked',
      'precondition_failed',
      'path_invalid',
      'file_too_large',
      'too_many_uploads',
      'idempotency_key_invalid',
      'idempotency_key_reused',
    ],
    async handle(call) {
      const { request, response } = call
      speakTus(request, response)
      const upload = await createUpload(context, call)
      tellProgress(response, upload)
      response.setHeader('location', uploadUrl(upload.uploadId))
      response.writeHead(201, { 'content-length': 0 }).end()
    },
  })
}

export function head(context: ApiContext) {
  return operation({
    id: 'headResumable',
    permission: 'write',
    runNamedBy: 'upload_id',
    tag,
    summary: 'Ask how much of an upload is kept',
    description: 'Ends the request that is adding to it, if there is one: whoever asks has given that up.',
    params: ResumableParams,
    headers: z.object({ 'Tus-Resumable': TUS_RESUMABLE }),
    responses: { 200: answer('Also `Upload-Length` and `Upload-Metadata`', Progress) },
    errors: [...UPLOAD_ERRORS, ...FINISH_ERRORS],
    async handle(call) {
      const { request, response, tenant, params } = call
      speakTus(request, response)
      const upload = await settle(context, call, await uploadOf(context, tenant, params.upload_id))
      tellProgress(response, upload)
      response.setHeader('upload-length', upload.size)
      if (upload.metadata !== '') response.setHeader('upload-metadata', upload.metadata)
      response.writeHead(200).end()
    },
  })
}

export function patch(context: ApiContext) {
  return operation({
    id: 'patchResumable',
    permission: 'write',
    runNamedBy: 'upload_id',
    tag,
    summary: 'Add to an upload',
    description:
      'What arrives is kept even where the request is cut off, but for a body with `Upload-Checksum`. The answer to the last piece names the job. The SHA-256 of the file may come as late as the last piece; then too the bytes are compared before they are accepted.',
    params: ResumableParams,
    headers: z.object({
      'Tus-Resumable': TUS_RESUMABLE,
      'Upload-Offset': z.string().meta({ description: 'Bytes that are there already', example: '0' }),
      'Upload-Checksum': z
        .string()
        .optional()
        .meta({ description: '`sha1` or `sha256`, and the digest in base64' }),
      'Upload-Metadata': z
        .string()
        .optional()
        .meta({ description: '`sha256` of the whole file, where it was not given at the beginning' }),
    }),
    stream: { required: true, ...piece },
    responses: { 204: answer('Kept', Progress) },
    errors: [...UPLOAD_ERRORS, 'upload_offset_mismatch', ...PIECE_ERRORS, ...FINISH_ERRORS],
    async handle(call) {
      const { request, response, params } = call
      speakTus(request, response)
      checkPieceType(request)
      const offset = byteCountIn(request, 'Upload-Offset')
      if (offset === undefined) throw new LadingError('bad_request', 'Upload-Offset: it is missing')
      tellProgress(response, await takePiece(context, call, params.upload_id, offset))
      response.writeHead(204).end()
    },
  })
}

export function remove(context: ApiContext) {
  return operation({
    id: 'deleteResumable',
    permission: 'write',
    runNamedBy: 'upload_id',
    tag,
    summary: 'Give an upload up',
    description: 'What was kept of it is dropped. A file that was accepted stays: cancel its job.',
    params: ResumableParams,
    headers: z.object({ 'Tus-Resumable': TUS_RESUMABLE }),
    responses: { 204: answer('Gone') },
    errors: [...UPLOAD_ERRORS, 'job_state_conflict'],
    async handle({ request, response, tenant, params }) {
      speakTus(request, response)
      await using held = await hold(context, tenant, params.upload_id)
      if (held.upload.acceptedJobId !== undefined) {
        throw new LadingError(
          'job_state_conflict',
          `the upload is complete; cancel job ${held.upload.acceptedJobId}`,
        )
      }
      await forget(context, held.upload, held.holder)
      response.writeHead(204).end()
    },
  })
}

function answer(description: string, headers?: z.ZodObject): ZodOpenApiResponseObject {
  return { description, ...(headers === undefined ? {} : { headers }) }
}
