import { DEFAULT_API_LIMITS, JWT_ALGORITHMS } from '@lading/api'
import { DEFAULT_JOB_LIMITS } from '@lading/catalog'
import { MAX_PATH_BYTES, MAX_PATH_DEPTH, parseTenantId } from '@lading/core'
import { DEFAULT_WORKER_CONFIG } from '@lading/worker'
import {
  bearerToken,
  bytes,
  claim,
  duration,
  issuer,
  type Kind,
  oneOf,
  origins,
  port,
  secrets,
  someOf,
  tenant,
  text,
  url,
  whole,
  yesOrNo,
} from './kinds.ts'

export interface Setting<T> {
  readonly kind: Kind<T>
  /** Absent: the setting may be left out, and then is `undefined`. */
  readonly fallback?: T
  /** For the docs: what it sets, and what happens without it. */
  readonly about: string
  /** Not to be shown in logs. */
  readonly secret?: boolean
  /** Whether an empty value is a value; else it is as if the variable were not there. */
  readonly emptyCounts?: boolean
}

/** Every setting there is, by the name of its environment variable. `docs/settings.md` lists the same; a test checks. */
export const SETTINGS = {
  DATABASE_URL: setting(url('postgres:', 'postgresql:'), {
    about:
      'PostgreSQL 15 or later, by a login that owns its tables. Without it, `lading up` runs an embedded one in the data directory.',
    secret: true,
  }),
  REDIS_URL: setting(url('redis:', 'rediss:'), {
    about: 'Redis 6.2 or later, or Valkey, for the queue. Without it, the queue is in PostgreSQL.',
    secret: true,
  }),
  S3_ENDPOINT: setting(url('http:', 'https:'), {
    about:
      'What speaks S3. Without it, AWS by region, if `S3_BUCKET` is set; else a directory is the object store.',
  }),
  S3_BUCKET: setting(text, {
    about:
      'Bucket of experiments that set no location of their own; `matih-artifacts` when only `S3_ENDPOINT` is set.',
  }),
  S3_REGION: setting(text, { fallback: 'us-east-1', about: 'Region that requests are signed for.' }),
  S3_PATH_STYLE: setting(yesOrNo, {
    about: '`host/bucket/key` rather than `bucket.host/key`; by default where `S3_ENDPOINT` is set.',
  }),
  S3_SSE: setting(oneOf('AES256', 'aws:kms'), {
    about: "Server-side encryption to ask for; the bucket's default else.",
  }),
  S3_KMS_KEY_ID: setting(text, { about: 'Key for `S3_SSE=aws:kms`.' }),
  S3_STORAGE_CLASS: setting(text, { about: "Storage class of objects; the bucket's default else." }),
  S3_CA_FILE: setting(text, { about: "PEM file of authorities to trust besides Node's own." }),
  S3_REQUEST_TIMEOUT: setting(duration({ leastMs: 100 }), {
    fallback: 30_000,
    about: 'Silence after which a request to S3 has failed.',
  }),
  LADING_DATA_DIR: setting(text, { fallback: '.lading', about: 'Where the embedded parts keep their data.' }),
  LADING_SPOOL_DIR: setting(text, { about: 'Temporary storage; `spool` in the data directory else.' }),
  LADING_SPOOL_LOW_WATER: setting(bytes, {
    fallback: 2 ** 30,
    about: 'Bytes of the file system of the spool that uploads leave free; below it they get 507.',
  }),
  LADING_OBJECTS_DIR: setting(text, {
    about: 'The directory store, where S3 is not set; `objects` in the data directory else.',
  }),
  LADING_HOST: setting(text, {
    fallback: '127.0.0.1',
    about:
      'Address to listen on. One that is not loopback wants `LADING_AUTH`, or `LADING_ALLOW_UNAUTHENTICATED`.',
  }),
  LADING_AUTH: setting(oneOf('none', 'api-key', 'jwt'), {
    fallback: 'none',
    about:
      '`api-key`: requests show a key of `lading keys create`. `jwt`: such a key, or a token of `LADING_JWT_ISSUER`. `none`: whoever reaches the port is believed.',
  }),
  LADING_JWT_ISSUER: setting(issuer, {
    about:
      'The OpenID Connect issuer whose tokens are taken, as their claim `iss` has it; its keys are found by discovery.',
  }),
  LADING_JWT_AUDIENCE: setting(text, { about: 'What the claim `aud` of tokens must be, or hold.' }),
  LADING_JWT_ALGORITHMS: setting(someOf(JWT_ALGORITHMS), {
    fallback: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    about: 'Algorithms that tokens may be signed by; `none` and `HS…` are never taken.',
  }),
  LADING_JWT_TENANT_CLAIM: setting(claim, { fallback: 'tenant', about: 'The claim that holds the tenant.' }),
  LADING_JWT_SCOPE_CLAIM: setting(claim, {
    fallback: 'scope',
    about:
      'The claim that holds the scopes `read`, `write`, `delete` and `admin`: words with spaces between, or a list.',
  }),
  LADING_JWT_SCOPE_PREFIX: setting(text, {
    fallback: '',
    about: 'What they begin with there, such as `lading:`; scopes without it are for others.',
  }),
  LADING_JWT_CLOCK_TOLERANCE: setting(duration({ mostMs: 300_000 }), {
    fallback: 30_000,
    about: 'How far the clocks of the issuer and of this server may be apart.',
  }),
  LADING_ALLOW_UNAUTHENTICATED: setting(yesOrNo, {
    fallback: false,
    about:
      'Lets `LADING_AUTH=none` listen on an address that is not loopback: behind a proxy that knows its clients.',
  }),
  LADING_TOKEN_SECRET: setting(secrets, {
    about:
      'What tokens of runs are signed with, the same for every API; of several, the first signs and all are believed. Without it, a secret in the database.',
    secret: true,
  }),
  LADING_METRICS_TOKEN: setting(bearerToken, {
    about:
      'What opens `/metrics`, as a bearer token, and nothing else does. Without it, a key with the scope `admin`; with `LADING_AUTH=none`, nothing is asked.',
    secret: true,
  }),
  LADING_PORT: setting(port, { fallback: 8080, about: 'Port of the API.' }),
  LADING_OPS_PORT: setting(port, {
    fallback: 9464,
    about: 'Port of `/healthz`, `/readyz` and `/metrics` of `lading worker`.',
  }),
  LADING_DEFAULT_TENANT: setting(tenant, {
    fallback: parseTenantId('default'),
    emptyCounts: true,
    about: 'Tenant of requests without `X-Tenant-ID`; empty refuses them.',
  }),
  LADING_ARTIFACT_ROOTS: setting(text, {
    fallback: '',
    about:
      'Roots below which experiments may set `artifact_location`, separated by commas: `s3://bucket/prefix/` for all, `acme-corp=s3://bucket/acme/` for one tenant.',
  }),
  LADING_TENANT_PREFIX: setting(yesOrNo, {
    fallback: false,
    about:
      'Puts the tenant into the keys of new experiments: `{tenant}/experiments/…` by default, and `{root}{tenant}/…` below roots that are for all.',
  }),
  LADING_CORS_ORIGINS: setting(origins, {
    fallback: [],
    about: 'Origins whose pages may use the API from a browser, as a frontend of yours; other pages may not.',
  }),
  LADING_MAX_FILE: setting(bytes, { fallback: DEFAULT_API_LIMITS.fileBytes, about: 'The largest file.' }),
  LADING_MAX_REQUEST: setting(bytes, {
    fallback: DEFAULT_API_LIMITS.requestBytes,
    about: 'The largest body of a request.',
  }),
  LADING_MAX_FILES: setting(whole(1, 10_000), {
    fallback: DEFAULT_API_LIMITS.files,
    about: 'The most files of a request.',
  }),
  LADING_MAX_ENTRIES: setting(whole(1, 1_000_000), {
    fallback: DEFAULT_API_LIMITS.entries,
    about: 'The most files and directories of an archive, or of a form to `log-artifacts`.',
  }),
  LADING_MAX_JOB_FILES: setting(whole(1, 2_000_000_000), {
    fallback: DEFAULT_JOB_LIMITS.files,
    about: 'The most files and empty directories of a job, over all requests that add to it.',
  }),
  LADING_MAX_JOB_BYTES: setting(bytes, {
    fallback: DEFAULT_JOB_LIMITS.bytes,
    about: 'The most bytes of files of a job, over all requests that add to it.',
  }),
  LADING_MAX_PATH: setting(whole(1, MAX_PATH_BYTES), {
    fallback: MAX_PATH_BYTES,
    about: 'The longest artifact path, in bytes of UTF-8.',
  }),
  LADING_MAX_DEPTH: setting(whole(1, MAX_PATH_DEPTH), {
    fallback: MAX_PATH_DEPTH,
    about: 'The most segments of an artifact path.',
  }),
  LADING_MAX_UPLOADS_AT_ONCE: setting(whole(1, 100_000), {
    fallback: DEFAULT_API_LIMITS.uploadsOfTenant,
    about: 'Uploads that one tenant may have under way at once in one process; more get 429.',
  }),
  LADING_MAX_CONNECTIONS: setting(whole(1, 1_000_000), {
    fallback: DEFAULT_API_LIMITS.connectionsOfAddress,
    about:
      'The most connections that one address may have open at once; clients behind a proxy share its address.',
  }),
  LADING_MAX_ARCHIVE: setting(bytes, {
    fallback: DEFAULT_API_LIMITS.archiveBytes,
    about: 'The largest archive, unpacked.',
  }),
  LADING_MAX_FIELD: setting(bytes, {
    fallback: DEFAULT_API_LIMITS.fieldBytes,
    about: 'The largest form field that is not a file; a `manifest` may have 4 MiB.',
  }),
  LADING_MIN_BODY_RATE: setting(bytes, {
    fallback: DEFAULT_API_LIMITS.bodyBytesPerSecond,
    about: 'Bytes a second that a body must bring on average; slower ones get 408.',
  }),
  LADING_MAX_WAIT: setting(duration(), {
    fallback: DEFAULT_API_LIMITS.waitMs,
    about: 'The longest that `Prefer: wait` and `?wait=` wait.',
  }),
  LADING_QUOTA_BYTES: setting(bytes, {
    about:
      'Bytes that a tenant may have in artifacts, and in files that are to become some. Without it, any number.',
  }),
  LADING_QUOTA_OBJECTS: setting(whole(0, Number.MAX_SAFE_INTEGER), {
    about: 'Artifacts that a tenant may have, and files that are to become some.',
  }),
  LADING_QUOTA_SPOOLED: setting(bytes, {
    about: 'Bytes of a tenant that may wait in temporary storage.',
  }),
  LADING_QUOTA_REQUEST_RATE: setting(whole(1, 1_000_000), {
    about: 'Requests a second of a tenant, over all processes.',
  }),
  LADING_QUOTA_BYTE_RATE: setting(bytes, {
    about: 'Bytes a second of the bodies of a tenant, over all processes and on average over 10 seconds.',
  }),
  LADING_MAX_RESUMABLE: setting(whole(1, 1_000_000), {
    fallback: DEFAULT_API_LIMITS.unfinishedUploads,
    about: 'The most unfinished resumable uploads of a tenant.',
  }),
  LADING_KEEP_RESUMABLE: setting(duration({ leastMs: 1000 }), {
    fallback: DEFAULT_API_LIMITS.keepUploadMs,
    about: 'How long an unfinished resumable upload waits for its next byte.',
  }),
  LADING_SLOTS: setting(whole(1, 256), {
    fallback: DEFAULT_WORKER_CONFIG.slots,
    about: 'Pieces of work at once in a worker.',
  }),
  LADING_TENANT_SHARE: setting(whole(1, 100), {
    fallback: DEFAULT_WORKER_CONFIG.tenantPercent,
    about:
      'Percent of all slots that the work of one tenant may hold. Below 100, a slot is free when another tenant comes.',
  }),
  LADING_REQUESTS_PER_SLOT: setting(whole(1, 64), {
    fallback: DEFAULT_WORKER_CONFIG.requestsPerTicket,
    about: 'Requests to the object store at once for each piece of work.',
  }),
  LADING_WORKER_MEMORY: setting(bytes, {
    fallback: DEFAULT_WORKER_CONFIG.memoryBytes,
    about: "Bytes of files that a worker holds in memory at once; the process's own come on top.",
  }),
  LADING_LEASE: setting(duration({ leastMs: 100 }), {
    fallback: DEFAULT_WORKER_CONFIG.leaseMs,
    about: 'How long work of a worker that was killed waits for another.',
  }),
  LADING_RETRY_ATTEMPTS: setting(whole(1, 1_000_000), {
    fallback: DEFAULT_WORKER_CONFIG.retry.attempts,
    about: 'Attempts to deliver a file before it fails.',
  }),
  LADING_RETRY_MAX_AGE: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.retry.maxAgeMs,
    about: 'Age after which no further attempt is made.',
  }),
  LADING_RETRY_MAX_DELAY: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.retry.maxDelayMs,
    about: 'The longest time between two attempts.',
  }),
  LADING_KEEP_FAILED: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.keepFailedMs,
    about: 'How long the bytes of failed files are kept for a retry.',
  }),
  LADING_KEEP_PARTIAL: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.partialPackMs,
    about:
      'How long a pack that nobody writes to waits to be sealed, before it counts as left by a killed API.',
  }),
  LADING_KEEP_UNKNOWN: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.unknownPackMs,
    about:
      'How long a sealed pack waits to be known to the catalog; longer than the catalog may take to commit.',
  }),
  LADING_SPOOL_SWEEP: setting(duration({ leastMs: 100 }), {
    fallback: DEFAULT_WORKER_CONFIG.reconcileMs,
    about: 'Time between two looks of a worker through the spool for packs that nothing needs.',
  }),
  LADING_SCRUB_RATE: setting(bytes, {
    fallback: DEFAULT_WORKER_CONFIG.scrub.bytesPerSecond,
    about:
      'Bytes a second at which delivered objects are read back and compared, over all workers; 0 reads none.',
  }),
  LADING_SCRUB_OBJECTS: setting(whole(1, 100_000), {
    fallback: DEFAULT_WORKER_CONFIG.scrub.objectsPerSecond,
    about: 'The most objects a second that are read back.',
  }),
  LADING_SCRUB_EVERY: setting(duration({ leastMs: 1000 }), {
    fallback: DEFAULT_WORKER_CONFIG.scrub.everyMs,
    about: 'Time after which an object is read back again.',
  }),
  LADING_IDEMPOTENCY_TTL: setting(duration(), {
    fallback: DEFAULT_WORKER_CONFIG.idempotencyMs,
    about: 'How long an idempotency key is remembered.',
  }),
  LADING_IDEMPOTENCY_LEASE: setting(duration({ leastMs: 100 }), {
    fallback: DEFAULT_API_LIMITS.idempotencyLeaseMs,
    about: 'How long the key of an upload that was cut off by a kill of the API stays taken.',
  }),
  LADING_DATABASE_POOL: setting(whole(2, 200), {
    fallback: 10,
    about: 'The most connections of a process to PostgreSQL.',
  }),
  LADING_SHUTDOWN_GRACE: setting(duration(), {
    fallback: 30_000,
    about: 'How long a process that is asked to stop finishes and hands over what is under way.',
  }),
  LADING_LOG_LEVEL: setting(oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'), {
    fallback: 'info',
    about: 'The least level that is logged.',
  }),
} as const

export type SettingName = keyof typeof SETTINGS

/** The values of all settings. */
export type Settings = {
  readonly [N in SettingName]: (typeof SETTINGS)[N] extends { kind: Kind<infer T>; fallback: unknown }
    ? T
    : (typeof SETTINGS)[N] extends { kind: Kind<infer T> }
      ? T | undefined
      : never
}

function setting<T, const R extends Omit<Setting<T>, 'kind'>>(
  kind: Kind<T>,
  rest: R,
): R & { readonly kind: Kind<T> } {
  return { kind, ...rest }
}
