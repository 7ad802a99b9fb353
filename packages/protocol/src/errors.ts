/**
 * Every error that Lading gives, in one table: over HTTP as `application/problem+json` (RFC 9457), in a job's
 * `error`, and as the exit of a command. `retryable` says whether the same call may succeed later without a
 * change by the caller; the error decides that, a call site never does.
 */
export const ERRORS = {
  // The request as a whole
  bad_request: row(400, false, 'The request is not valid'),
  validation_failed: row(400, false, 'A field of the request is not valid'),
  not_found: row(404, false, 'There is nothing at this address'),
  method_not_allowed: row(405, false, 'This address does not take that method'),
  unsupported_media_type: row(415, false, 'The body has a type that this address does not take'),
  unsupported_content_encoding: row(415, false, 'The body must not be encoded'),
  headers_too_large: row(431, false, 'The header of the request is too large'),
  request_timeout: row(408, true, 'The body arrived more slowly than the minimum rate'),
  too_many_at_once: row(429, true, 'The tenant has too many uploads under way at once'),
  too_many_requests: row(429, true, 'The tenant sends more requests a second than it may'),
  too_many_bytes: row(429, true, 'The tenant sends more bytes a second than it may'),
  backlog_full: row(429, true, 'The tenant has as many bytes to be delivered as it may'),
  quota_exceeded: row(403, false, 'The tenant would have more than it may'),
  too_many_connections: row(429, true, 'The address has too many connections open at once'),
  client_aborted: row(400, true, 'The connection ended before the body did'),

  // Who asks
  unauthenticated: row(401, false, 'The request shows no key or token that is valid'),
  token_tenant_invalid: row(401, false, 'The token names no tenant, or none that can be one'),
  permission_denied: row(403, false, 'The key or token does not have the scope that this address asks for'),
  run_token_refused: row(403, false, 'The token is of one run, and this address is not'),
  tokens_unavailable: row(409, false, 'This server authenticates nobody, and makes no tokens'),
  origin_not_allowed: row(403, false, 'A page of this origin may change nothing here'),
  tenant_mismatch: row(403, false, 'The tenant that is named is not that of the key or token'),

  // Multipart framing and structure
  multipart_boundary_invalid: row(400, false, 'The multipart boundary is missing or not valid'),
  multipart_malformed: row(400, false, 'The multipart body is not well formed'),
  multipart_incomplete: row(400, false, 'The multipart body ended before its closing boundary'),
  multipart_part_invalid: row(400, false, 'A part of the multipart body is not valid'),
  multipart_header_too_large: row(400, false, 'The header of a part is too large'),
  field_name_too_long: row(400, false, 'The name of a field is too long'),
  field_too_large: row(413, false, 'The value of a field is too large'),
  too_many_fields: row(413, false, 'The request has too many fields'),
  too_many_files: row(413, false, 'The request has too many files'),
  too_many_parts: row(413, false, 'The request has too many parts'),
  unknown_field: row(422, false, 'The form has a field that this address does not know'),
  duplicate_field: row(400, false, 'A field was given twice'),
  no_file: row(422, false, 'The request has no file'),
  empty_body: row(400, false, 'The request has no body'),

  // Names
  path_invalid: row(400, false, 'The artifact path is not valid'),
  path_duplicate: row(409, false, 'Two files of the request have the same path'),
  path_conflict: row(409, false, 'A path is both a file and a directory'),
  tenant_invalid: row(400, false, 'The tenant id is not valid'),
  tenant_required: row(400, false, 'The request names no tenant'),
  location_invalid: row(400, false, 'The artifact location is not valid'),
  location_forbidden: row(
    403,
    false,
    'The artifact location lies outside the roots that the operator allows',
  ),

  // Digests and sizes
  digest_invalid: row(400, false, 'A digest could not be parsed'),
  digest_unsupported: row(400, false, 'None of the digest algorithms is supported'),
  digest_mismatch: row(400, false, 'The bytes do not match the digest that was declared'),
  manifest_mismatch: row(422, false, 'The files do not match the manifest'),
  request_too_large: row(413, false, 'The request is larger than the limit'),
  file_too_large: row(413, false, 'A file is larger than the limit'),
  job_too_large: row(413, false, 'The job would hold more than the limits allow'),
  length_mismatch: row(400, false, 'The body is not as long as it was declared'),

  // Archives
  archive_malformed: row(400, false, 'The archive is not well formed'),
  archive_incomplete: row(400, false, 'The archive ended before its end was marked'),
  archive_entry_refused: row(422, false, 'The archive has an entry that cannot be taken'),
  archive_too_large: row(413, false, 'The archive holds more than the limits allow'),

  // Idempotency
  idempotency_key_invalid: row(400, false, 'The idempotency key is not valid'),
  idempotency_key_in_flight: row(409, true, 'A request with this idempotency key is still under way'),
  idempotency_key_reused: row(422, false, 'The idempotency key was used for another request'),

  // Resumable uploads
  upload_not_found: row(404, false, 'There is no such resumable upload'),
  upload_locked: row(423, true, 'Another request is adding to the upload'),
  upload_offset_mismatch: row(409, false, 'The upload does not stand at that offset'),
  upload_elsewhere: row(421, true, 'The bytes of the upload are on another host'),
  checksum_mismatch: row(460, true, 'The bytes of the request do not match its checksum'),
  too_many_uploads: row(429, true, 'The tenant has too many unfinished resumable uploads'),

  // Things by id
  experiment_not_found: row(404, false, 'There is no such experiment'),
  experiment_exists: row(409, false, 'An experiment with this name exists'),
  experiment_deleted: row(409, false, 'The experiment is deleted'),
  run_not_found: row(404, false, 'There is no such run'),
  artifact_not_found: row(404, false, 'There is no such artifact'),
  job_not_found: row(404, false, 'There is no such job'),
  job_state_conflict: row(409, false, 'The job is in a state that does not allow this'),
  run_state_conflict: row(409, false, 'The run is in a state that does not allow this'),
  artifact_replacing: row(409, true, 'The artifact is being replaced by a newer one'),
  range_not_satisfiable: row(416, false, 'The range lies outside the artifact'),
  precondition_failed: row(412, false, 'A precondition of the request does not hold'),

  // This server
  spool_full: row(507, true, 'Temporary storage is full'),
  spool_damaged: row(500, false, 'The bytes in temporary storage are not those that were accepted'),
  spool_lost: row(500, false, 'The bytes are no longer in temporary storage'),
  spool_unseen: row(500, false, 'No worker sees the temporary storage that has the bytes'),
  spool_unavailable: row(503, true, 'Temporary storage cannot be read or written'),
  catalog_unavailable: row(503, true, 'The catalog cannot be reached'),
  issuer_unavailable: row(503, true, 'The issuer of tokens cannot be reached'),
  queue_unavailable: row(503, true, 'The queue cannot be reached'),
  not_ready: row(503, true, 'What accepting an upload needs cannot be reached'),
  shutting_down: row(503, true, 'The server is shutting down'),
  internal: row(500, true, 'The server failed'),

  // The object store, as a job or a download meets it
  store_unavailable: row(503, true, 'The object store cannot be reached or asks to slow down'),
  store_access_denied: row(502, false, 'The object store refuses access'),
  store_bucket_missing: row(502, false, 'The bucket does not exist'),
  store_rejected: row(502, false, 'The object store refuses the request'),
  store_checksum_mismatch: row(502, true, 'The object store received other bytes than were sent'),
  store_object_mismatch: row(502, true, 'The stored object is not the file that was accepted'),
  store_object_missing: row(502, false, 'The object is no longer in the object store'),
  store_precondition_failed: row(409, true, 'The object was changed by another writer'),
  store_upload_gone: row(409, true, 'The multipart upload no longer exists'),
  copy_source_gone: row(
    409,
    false,
    'No artifact of the tenant has the bytes any more that were to be copied',
  ),
  attempts_exhausted: row(502, false, 'Delivery was tried as often as the settings allow'),
  deadline_passed: row(409, false, 'The job was not sealed before its deadline'),
  lease_lost: row(500, true, 'The lease on the work was lost'),
  cancelled: row(409, false, 'The job was cancelled'),
  superseded: row(409, false, 'A newer file was accepted for the same path'),
} as const satisfies Record<string, ErrorRow>

export interface ErrorRow {
  /** HTTP status (RFC 9110) that the error has when it answers a request. */
  readonly status: number
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean
  /** One sentence, the same at each occurrence: the `title` of RFC 9457. */
  readonly title: string
}

export type ErrorCode = keyof typeof ERRORS

/** What a tenant has of what it may have, and how much more was asked for. */
export interface QuotaStanding {
  readonly of: 'bytes' | 'objects' | 'spooled_bytes'
  readonly used: number
  readonly allowed: number
  readonly asked: number
}

export interface ErrorOptionsOfLading {
  readonly cause?: unknown
  /** Seconds for `Retry-After` (RFC 9110, 10.2.3). */
  readonly retryAfter?: number
  /** Further response headers, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>
  readonly quota?: QuotaStanding
}

/** The one error class: a row of the table, and a `detail` that names the field, the limit, and what to do. */
export class LadingError extends Error {
  override readonly name = 'LadingError'
  readonly code: ErrorCode
  readonly detail: string
  readonly retryAfter: number | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly quota: QuotaStanding | undefined

  constructor(code: ErrorCode, detail: string, options: ErrorOptionsOfLading = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.retryAfter = options.retryAfter
    this.headers = options.headers ?? {}
    this.quota = options.quota
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable
  }
}

function row(status: number, retryable: boolean, title: string): ErrorRow {
  return { status, retryable, title }
}
