import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ApiConfig, DEFAULT_API_LIMITS, type LocationRules } from '@lading/api'
import type { Quota } from '@lading/catalog'
import { isLoopback, type LocationScheme, parseArtifactLocation, parseTenantId } from '@lading/core'

import { LadingError } from '@lading/protocol'
import type { S3Options } from '@lading/store-s3'
import { DEFAULT_WORKER_CONFIG, type WorkerConfig } from '@lading/worker'
import { authOf, faultsOfAuth } from './auth-settings.ts'
import type { Environment } from './environment.ts'
import { readSettings } from './settings/read.ts'
import { SettingsError } from './settings/settings-error.ts'
import type { Settings } from './settings/table.ts'

/** What the processes are started with. */
export interface Config {
  readonly dataDirectory: string
  /** Undefined: an embedded PostgreSQL, which only `lading up` runs. */
  readonly databaseUrl: string | undefined
  /** Undefined: the queue is in PostgreSQL. */
  readonly redisUrl: string | undefined
  readonly store:
    | { readonly kind: 's3'; readonly options: S3Options }
    | { readonly kind: 'directory'; readonly root: string }
  readonly bucket: string
  readonly spool: { readonly directory: string; readonly lowWaterBytes: number }
  readonly poolSize: number
  /** Whether keys of new experiments begin with their tenant. */
  readonly tenantPrefix: boolean
  readonly quota: Quota
  readonly logLevel: Settings['LADING_LOG_LEVEL']
  /** Milliseconds. */
  readonly shutdownGraceMs: number
  readonly opsPort: number
  readonly host: string
  /** Whether only this machine reaches it. */
  readonly loopback: boolean
  readonly api: ApiConfig
  readonly worker: WorkerConfig
  /** Of a test that stops this process at checkpoints: see `stop-at-checkpoints.ts`. */
  readonly checkpoints: string | undefined
}

/** The bucket that the seed of the project names. */
const DEFAULT_BUCKET = 'matih-artifacts'

/** Reads the environment, once. Throws a `SettingsError` that names everything that is wrong. */
export function readConfig(environment: Environment): Config {
  const settings = readSettings(environment)
  const dataDirectory = resolve(settings.LADING_DATA_DIR)
  const store = storeOf(settings, dataDirectory)
  const scheme = schemeOf(store)
  const roots = parseRoots(settings.LADING_ARTIFACT_ROOTS, scheme)
  const faults = [
    ...faultsOfS3(environment, settings),
    ...roots.faults,
    ...faultsOfTests(environment),
    ...faultsOfAuth(environment, settings),
  ]
  if (faults.length > 0) throw new SettingsError(faults)
  const bucket = settings.S3_BUCKET ?? DEFAULT_BUCKET
  return {
    dataDirectory,
    databaseUrl: settings.DATABASE_URL,
    redisUrl: settings.REDIS_URL,
    store,
    bucket,
    spool: {
      directory: resolve(settings.LADING_SPOOL_DIR ?? join(dataDirectory, 'spool')),
      lowWaterBytes: settings.LADING_SPOOL_LOW_WATER,
    },
    poolSize: settings.LADING_DATABASE_POOL,
    tenantPrefix: settings.LADING_TENANT_PREFIX,
    quota: quotaOf(settings),
    logLevel: settings.LADING_LOG_LEVEL,
    shutdownGraceMs: settings.LADING_SHUTDOWN_GRACE,
    opsPort: settings.LADING_OPS_PORT,
    host: settings.LADING_HOST,
    loopback: isLoopback(settings.LADING_HOST),
    api: apiOf(settings, bucket, {
      scheme,
      roots: roots.roots,
      tenantPrefix: settings.LADING_TENANT_PREFIX,
    }),
    worker: workerOf(settings),
    checkpoints: environment[CHECKPOINTS],
  }
}

/** Of tenants for which `lading quotas` has set nothing else. */
function quotaOf(settings: Settings): Quota {
  return {
    bytes: settings.LADING_QUOTA_BYTES,
    objects: settings.LADING_QUOTA_OBJECTS,
    spooledBytes: settings.LADING_QUOTA_SPOOLED,
    requestsPerSecond: settings.LADING_QUOTA_REQUEST_RATE,
    bytesPerSecond: settings.LADING_QUOTA_BYTE_RATE,
    uploadsAtOnce: settings.LADING_MAX_UPLOADS_AT_ONCE,
  }
}

/** No setting: only fault tests know it. */
const CHECKPOINTS = 'LADING_TEST_CHECKPOINTS'

function faultsOfTests({ [CHECKPOINTS]: checkpoints, NODE_ENV }: Environment): string[] {
  if (checkpoints === undefined || NODE_ENV !== 'production') return []
  return [`${CHECKPOINTS}: stops the process for tests; not where NODE_ENV is production`]
}

/** Settings that would have no effect: whoever sets them means something that does not happen. */
function faultsOfS3(environment: Environment, settings: Settings): string[] {
  const given = Object.keys(environment).filter((name) => name.startsWith('S3_') && environment[name]?.trim())
  if (!usesS3(settings))
    return given.map((name) => `${name}: has no effect without S3_BUCKET or S3_ENDPOINT; set one of them`)
  const withKms = settings.S3_SSE === 'aws:kms'
  if (withKms && settings.S3_KMS_KEY_ID === undefined)
    return ['S3_KMS_KEY_ID: must be set where S3_SSE is aws:kms']
  if (!withKms && settings.S3_KMS_KEY_ID !== undefined)
    return ['S3_KMS_KEY_ID: has no effect unless S3_SSE is aws:kms']
  return []
}

function usesS3(settings: Settings): boolean {
  return settings.S3_ENDPOINT !== undefined || settings.S3_BUCKET !== undefined
}

function storeOf(settings: Settings, dataDirectory: string): Config['store'] {
  if (!usesS3(settings)) {
    return { kind: 'directory', root: resolve(settings.LADING_OBJECTS_DIR ?? join(dataDirectory, 'objects')) }
  }
  return {
    kind: 's3',
    options: {
      endpoint: settings.S3_ENDPOINT,
      region: settings.S3_REGION,
      forcePathStyle: settings.S3_PATH_STYLE ?? settings.S3_ENDPOINT !== undefined,
      sse: encryptionOf(settings),
      storageClass: settings.S3_STORAGE_CLASS,
      caFile: settings.S3_CA_FILE,
      requestTimeoutMs: settings.S3_REQUEST_TIMEOUT,
      connectTimeoutMs: 10_000,
      maxSockets: settings.LADING_SLOTS * settings.LADING_REQUESTS_PER_SLOT + 16,
    },
  }
}

function encryptionOf({ S3_SSE, S3_KMS_KEY_ID }: Settings): S3Options['sse'] {
  if (S3_SSE !== 'aws:kms') return S3_SSE
  return S3_KMS_KEY_ID === undefined ? undefined : { kmsKeyId: S3_KMS_KEY_ID }
}

function schemeOf(store: Config['store']): LocationScheme {
  return store.kind === 's3' ? { scheme: 's3' } : { scheme: 'file', rootUri: `${pathToFileURL(store.root)}/` }
}

function apiOf(settings: Settings, bucket: string, locations: LocationRules): ApiConfig {
  return {
    host: settings.LADING_HOST,
    port: settings.LADING_PORT,
    ...authOf(settings),
    defaultTenant: settings.LADING_DEFAULT_TENANT,
    bucket,
    corsOrigins: settings.LADING_CORS_ORIGINS,
    locations,
    limits: {
      ...DEFAULT_API_LIMITS,
      fileBytes: settings.LADING_MAX_FILE,
      requestBytes: settings.LADING_MAX_REQUEST,
      files: settings.LADING_MAX_FILES,
      entries: settings.LADING_MAX_ENTRIES,
      job: { files: settings.LADING_MAX_JOB_FILES, bytes: settings.LADING_MAX_JOB_BYTES },
      uploadsOfTenant: settings.LADING_MAX_UPLOADS_AT_ONCE,
      connectionsOfAddress: settings.LADING_MAX_CONNECTIONS,
      pathBytes: settings.LADING_MAX_PATH,
      pathDepth: settings.LADING_MAX_DEPTH,
      archiveBytes: settings.LADING_MAX_ARCHIVE,
      fieldBytes: settings.LADING_MAX_FIELD,
      bodyBytesPerSecond: settings.LADING_MIN_BODY_RATE,
      waitMs: settings.LADING_MAX_WAIT,
      idempotencyLeaseMs: settings.LADING_IDEMPOTENCY_LEASE,
      unfinishedUploads: settings.LADING_MAX_RESUMABLE,
      keepUploadMs: settings.LADING_KEEP_RESUMABLE,
    },
  }
}

/** Each entry is a root for all, or `tenant=` and a root for one. */
function parseRoots(text: string, scheme: LocationScheme) {
  const roots: LocationRules['roots'][number][] = []
  const faults: string[] = []
  const entries = text.split(',').map((entry) => entry.trim())
  for (const entry of entries.filter((entry) => entry !== '')) {
    const equals = entry.indexOf('=')
    try {
      const tenant = equals === -1 ? undefined : parseTenantId(entry.slice(0, equals))
      roots.push({ tenant, location: parseArtifactLocation(entry.slice(equals + 1), scheme) })
    } catch (error) {
      if (!(error instanceof LadingError)) throw error
      faults.push(`LADING_ARTIFACT_ROOTS: ${error.detail}`)
    }
  }
  return { roots, faults }
}

function workerOf(settings: Settings): WorkerConfig {
  return {
    ...DEFAULT_WORKER_CONFIG,
    slots: settings.LADING_SLOTS,
    tenantPercent: settings.LADING_TENANT_SHARE,
    requestsPerTicket: settings.LADING_REQUESTS_PER_SLOT,
    memoryBytes: settings.LADING_WORKER_MEMORY,
    leaseMs: settings.LADING_LEASE,
    keepFailedMs: settings.LADING_KEEP_FAILED,
    partialPackMs: settings.LADING_KEEP_PARTIAL,
    unknownPackMs: settings.LADING_KEEP_UNKNOWN,
    reconcileMs: settings.LADING_SPOOL_SWEEP,
    idempotencyMs: settings.LADING_IDEMPOTENCY_TTL,
    scrub: {
      ...DEFAULT_WORKER_CONFIG.scrub,
      bytesPerSecond: settings.LADING_SCRUB_RATE,
      objectsPerSecond: settings.LADING_SCRUB_OBJECTS,
      everyMs: settings.LADING_SCRUB_EVERY,
      pollMs: Math.min(DEFAULT_WORKER_CONFIG.scrub.pollMs, settings.LADING_SCRUB_EVERY),
    },
    retry: {
      ...DEFAULT_WORKER_CONFIG.retry,
      attempts: settings.LADING_RETRY_ATTEMPTS,
      maxAgeMs: settings.LADING_RETRY_MAX_AGE,
      maxDelayMs: settings.LADING_RETRY_MAX_DELAY,
    },
  }
}
