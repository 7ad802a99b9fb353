import { type ErrorCode, LadingError } from '@lading/protocol'

/** What was asked of the store, for the sentence of an error. */
export interface Asked {
  /** As S3 and its access policies name it. */
  readonly operation: string
  readonly bucket: string
  readonly key?: string | undefined
}

/** The one place where what the SDK, the network or the store threw becomes a row of the error table. */
export function classify(cause: unknown, asked: Asked): LadingError {
  if (cause instanceof LadingError) return cause
  const fault = faultOf(cause)
  const code = codeOf(fault)
  return new LadingError(code, sentence(code, fault, asked), { cause })
}

/** True of answers by which the store says that it did nothing, so that any request may be sent again. */
export function isRefusedOutright(cause: unknown): boolean {
  const { name, networkCode, status } = faultOf(cause)
  // The SDK gives an error inside a 200 the status 503 as well, with the name InternalError.
  if (status === 429 || status === 503) return name !== 'InternalError'
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(networkCode ?? '')
}

/** True of a store that does not know a header or an operation of the request. */
export function isNotImplemented(error: unknown): boolean {
  if (!(error instanceof LadingError)) return false
  const { name, status } = faultOf(error.cause)
  return status === 501 || name === 'NotImplemented'
}

interface Fault {
  readonly name: string
  readonly message: string
  readonly networkCode: string | undefined
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly region: string | undefined
}

/** The parts of `ServiceException` and of Node's errors that classification reads. */
interface Thrown {
  readonly name?: string
  readonly Code?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> }
}

function faultOf(cause: unknown): Fault {
  const thrown: Thrown = typeof cause === 'object' && cause !== null ? cause : { message: String(cause) }
  return {
    name: thrown.Code ?? thrown.name ?? 'Error',
    message: thrown.message ?? '',
    networkCode: thrown.code,
    status: thrown.$metadata?.httpStatusCode ?? thrown.$response?.statusCode,
    requestId: thrown.$metadata?.requestId,
    region: thrown.$response?.headers?.['x-amz-bucket-region'],
  }
}

/** Names by which stores say "later", whatever the status beside them. */
const UNAVAILABLE =
  /^(SlowDown|Throttl|TooManyRequests|RequestLimitExceeded|BandwidthLimitExceeded|RequestTimeout|TimeoutError$|ServiceUnavailable|InternalError$|Busy|IncompleteBody$|OperationAborted$|RequestTimeTooSkewed$|QuotaExceeded|KMS\.Throttl|CredentialsProviderError$)/

const BY_NAME: Readonly<Record<string, ErrorCode>> = {
  AccessDenied: 'store_access_denied',
  AllAccessDisabled: 'store_access_denied',
  AccountProblem: 'store_access_denied',
  ExpiredToken: 'store_access_denied',
  InvalidAccessKeyId: 'store_access_denied',
  InvalidSecurity: 'store_access_denied',
  InvalidToken: 'store_access_denied',
  NotSignedUp: 'store_access_denied',
  SignatureDoesNotMatch: 'store_access_denied',
  TokenRefreshRequired: 'store_access_denied',
  'KMS.AccessDeniedException': 'store_access_denied',
  NoSuchBucket: 'store_bucket_missing',
  NoSuchKey: 'store_object_missing',
  NoSuchUpload: 'store_upload_gone',
  BadDigest: 'store_checksum_mismatch',
  InvalidDigest: 'store_checksum_mismatch',
  XAmzContentChecksumMismatch: 'store_checksum_mismatch',
  XAmzContentSHA256Mismatch: 'store_checksum_mismatch',
  // The parts at the store are not those that were named; they are there still, and can be listed and sent again.
  InvalidPart: 'store_object_mismatch',
  PreconditionFailed: 'store_precondition_failed',
  ConditionalRequestConflict: 'store_precondition_failed',
  InvalidRange: 'range_not_satisfiable',
  InvalidObjectState: 'store_rejected',
}

function codeOf({ name, message, status }: Fault): ErrorCode {
  if (UNAVAILABLE.test(name)) return 'store_unavailable'
  const named = BY_NAME[name]
  if (named !== undefined) return named
  if (name === 'InvalidRequest' && /checksum/i.test(message)) return 'store_checksum_mismatch'
  if (name === 'InvalidBucketName') return 'store_rejected'
  if (status === undefined) return 'store_unavailable'
  return codeOfStatus(status)
}

/** For replies without a body, as those to HEAD, and for errors that only the store knows. */
function codeOfStatus(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'store_access_denied'
  if (status === 412) return 'store_precondition_failed'
  if (status === 416) return 'range_not_satisfiable'
  if (status === 307 || status === 408 || status === 429) return 'store_unavailable'
  if (status === 501) return 'store_rejected'
  // A proxy's page in place of the store's answer can have any status, and is not the store's word.
  return status >= 500 || status < 300 ? 'store_unavailable' : 'store_rejected'
}

function sentence(code: ErrorCode, fault: Fault, asked: Asked): string {
  const where = asked.key === undefined ? `s3://${asked.bucket}` : `s3://${asked.bucket}/${asked.key}`
  const status = fault.status === undefined ? undefined : `HTTP ${fault.status}`
  const id = fault.requestId === undefined ? undefined : `request id ${fault.requestId}`
  const name = fault.networkCode ?? fault.name
  const told = [status, name, id].filter((fact) => fact !== undefined).join(', ')
  const message = fault.message === '' || fault.message === 'UnknownError' ? '' : `: ${fault.message}`
  return `${asked.operation} on ${where} failed (${told})${message.replace(/\.?$/, '.')} ${advice(code, fault, asked)}`
}

function advice(code: ErrorCode, fault: Fault, asked: Asked): string {
  if (fault.region !== undefined && code === 'store_rejected')
    return `The bucket ${asked.bucket} is in the region ${fault.region}: set the store's region to it.`
  if (fault.name === 'RequestTimeTooSkewed') return "Set this machine's clock."
  if (fault.name === 'CredentialsProviderError')
    return 'No credentials could be loaded: give an access key, or a role that this process can take.'
  if (fault.networkCode !== undefined && /CERT|SIGNATURE|SSL|TLS/.test(fault.networkCode))
    return "The store's certificate is not trusted: name its authority as the CA file."
  return ADVICE[code] ?? 'The request will fail again until the store or its settings are changed.'
}

const ADVICE: Partial<Record<ErrorCode, string>> = {
  store_unavailable:
    'It will be tried again; if it lasts, check the endpoint, the network and the load of the store.',
  store_access_denied:
    'Check the credentials, and that their policy allows s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket, ' +
    's3:AbortMultipartUpload and s3:ListMultipartUploadParts there, and the use of its KMS key if it has one.',
  store_bucket_missing: 'Create the bucket, or correct its name in the settings or the artifact location.',
  store_object_missing: 'The object was removed by someone else, or a lifecycle rule of the bucket.',
  store_upload_gone: 'The upload was completed, aborted or expired; it begins again from the first part.',
  store_checksum_mismatch:
    'The bytes that the store received are not those that were accepted; they are sent again.',
  store_object_mismatch: 'List the parts, and send again those that differ.',
  store_precondition_failed: 'Another writer changed the object; what it holds now decides.',
  range_not_satisfiable: 'The range begins after the last byte of the object.',
}
