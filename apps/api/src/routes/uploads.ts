import {
  AcceptedResponse,
  ArtifactParams,
  type ErrorCode,
  LogArtifactForm,
  LogArtifactQuery,
  LogArtifactsQuery,
  PutArtifactQuery,
  RunParams,
} from '@lading/protocol'
import { z } from 'zod'
import type { ApiContext } from '../context.ts'
import { ARCHIVE_TYPES, directoryLane } from '../ingest/directory-lane.ts'
import { formLane } from '../ingest/form-lane.ts'
import { ingest } from '../ingest/ingest.ts'
import { rawLane } from '../ingest/raw-lane.ts'
import { operation } from '../operation.ts'
import { artifactPathOf } from './artifact-path.ts'
import { json } from './json-response.ts'

const tag = 'Uploads'

const UploadHeaders = z.object({
  'Content-Digest': z.string().optional().meta({
    description: 'SHA-256 of the body (RFC 9530)',
    example: 'sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:',
  }),
  'Repr-Digest': z.string().optional().meta({ description: 'The same as Content-Digest here (RFC 9530)' }),
  'Idempotency-Key': z.string().optional().meta({
    description: 'Makes a retry safe: the same key with the same files is accepted once',
  }),
  Prefer: z
    .string()
    .optional()
    .meta({ description: '`wait=N`: wait for delivery (RFC 7240)', example: 'wait=30' }),
})

const responses = {
  201: json('Delivered, within the wait that was asked for', AcceptedResponse),
  202: json('Accepted: the bytes are kept, and the job says what becomes of them', AcceptedResponse),
}

const UPLOAD_ERRORS: readonly ErrorCode[] = [
  'run_not_found',
  'job_not_found',
  'job_state_conflict',
  'path_invalid',
  'path_conflict',
  'digest_invalid',
  'digest_unsupported',
  'digest_mismatch',
  'request_too_large',
  'file_too_large',
  'request_timeout',
  'too_many_at_once',
  'too_many_bytes',
  'quota_exceeded',
  'backlog_full',
  'job_too_large',
  'client_aborted',
  'unsupported_media_type',
  'unsupported_content_encoding',
  'idempotency_key_invalid',
  'idempotency_key_in_flight',
  'idempotency_key_reused',
  'spool_full',
]

const FORM_ERRORS: readonly ErrorCode[] = [
  'multipart_boundary_invalid',
  'multipart_malformed',
  'multipart_incomplete',
  'multipart_part_invalid',
  'multipart_header_too_large',
  'field_name_too_long',
  'field_too_large',
  'too_many_files',
  'too_many_parts',
  'unknown_field',
  'duplicate_field',
  'no_file',
  'empty_body',
  'path_duplicate',
  'length_mismatch',
  'manifest_mismatch',
]

const ARCHIVE_ERRORS: readonly ErrorCode[] = [
  'archive_malformed',
  'archive_incomplete',
  'archive_entry_refused',
  'archive_too_large',
]

export function logArtifact(context: ApiContext) {
  return operation({
    id: 'logArtifact',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Log one or more files, by form',
    description: 'Fields may come before or after the files. Several files are one job.',
    params: RunParams,
    query: LogArtifactQuery,
    headers: UploadHeaders,
    stream: { required: true, content: { 'multipart/form-data': { schema: LogArtifactForm } } },
    responses,
    errors: [...UPLOAD_ERRORS, ...FORM_ERRORS],
    handle: (call) =>
      ingest(context, call, formLane(context, call, context.config.limits.files), { atomic: false }),
  })
}

export function logArtifacts(context: ApiContext) {
  const archive = { schema: { type: 'string', format: 'binary' } } as const
  return operation({
    id: 'logArtifacts',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Log a directory: by form, as a tar, a compressed tar, or a zip',
    description: 'The whole directory is one job. An archive is taken or refused as a whole.',
    params: RunParams,
    query: LogArtifactsQuery,
    headers: UploadHeaders,
    stream: {
      required: true,
      content: {
        'multipart/form-data': { schema: LogArtifactForm },
        ...Object.fromEntries(ARCHIVE_TYPES.map((type) => [type, archive])),
      },
    },
    responses,
    errors: [...UPLOAD_ERRORS, ...FORM_ERRORS, ...ARCHIVE_ERRORS],
    handle: (call) => ingest(context, call, directoryLane(context, call), { atomic: true }),
  })
}

export function putArtifact(context: ApiContext) {
  return operation({
    id: 'putArtifact',
    permission: 'write',
    runNamedBy: 'run_id',
    tag,
    summary: 'Log one file, as the body',
    params: ArtifactParams,
    query: PutArtifactQuery,
    headers: UploadHeaders,
    stream: {
      required: true,
      content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
    },
    responses,
    errors: UPLOAD_ERRORS,
    handle: (call) =>
      ingest(context, call, rawLane(context, call, artifactPathOf(call.request)), { atomic: false }),
  })
}
