import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ApiConfig, DEFAULT_API_LIMITS, type LocationRules } from '@lading/api'
import { type LocationScheme, parseArtifactLocation, parseTenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { S3Options } from '@lading/store-s3'
import { DEFAULT_WORKER_CONFIG, type WorkerConfig } from '@lading/worker'
import { readSettings, SettingsError } from './settings/read.ts'
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
  readonly logLevel: Settings['LADING_LOG_LEVEL']
  /** Milliseconds. */
  readonly shutdownGraceMs: number
  readonly opsPort: number
  readonly host: string
  readonly api: ApiConfig
  readonly worker: WorkerConfig
}

/** The bucket that the seed of the project names. */
const DEFAULT_BUCKET = 'matih-artifacts'

/** Reads the environment, once. Throws a `SettingsError` that names everything that is wrong. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const settings = readSettings(environment)
  const dataDirectory = resolve(settings.LADING_DATA_DIR)
  const store = storeOf(settings, dataDirectory)
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
    logLevel: settings.LADING_LOG_LEVEL,
    shutdownGraceMs: settings.LADING_SHUTDOWN_GRACE,
    opsPort: settings.LADING_OPS_PORT,
    host: settings.LADING_HOST,
    api: apiOf(settings, store, bucket),
    worker: workerOf(settings),
  }
}

function storeOf(settings: Settings, dataDirectory: string): Config['store'] {
  if (settings.S3_ENDPOINT === undefined && settings.S3_BUCKET === undefined) {
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
  if (S3_KMS_KEY_ID === undefined)
    throw new SettingsError(['S3_KMS_KEY_ID: must be set where S3_SSE is aws:kms'])
  return { kmsKeyId: S3_KMS_KEY_ID }
}

function apiOf(settings: Settings, store: Config['store'], bucket: string): ApiConfig {
  const scheme: LocationScheme =
    store.kind === 's3' ? { scheme: 's3' } : { scheme: 'file', rootUri: `${pathToFileURL(store.root)}/` }
  return {
    host: settings.LADING_HOST,
    port: settings.LADING_PORT,
    defaultTenant:
      settings.LADING_DEFAULT_TENANT === '' ? undefined : tenantOf(settings.LADING_DEFAULT_TENANT),
    bucket,
    locations: { scheme, roots: rootsOf(settings.LADING_ARTIFACT_ROOTS, scheme) },
    limits: {
      ...DEFAULT_API_LIMITS,
      fileBytes: settings.LADING_MAX_FILE,
      requestBytes: settings.LADING_MAX_REQUEST,
      files: settings.LADING_MAX_FILES,
      fields: settings.LADING_MAX_FIELDS,
      bodyBytesPerSecond: settings.LADING_MIN_BODY_RATE,
      waitMs: settings.LADING_MAX_WAIT,
    },
  }
}

function tenantOf(text: string) {
  return checked('LADING_DEFAULT_TENANT', () => parseTenantId(text))
}

function rootsOf(text: string, scheme: LocationScheme): LocationRules['roots'] {
  const entries = text.split(',').map((entry) => entry.trim())
  return entries
    .filter((entry) => entry !== '')
    .map((entry) =>
      checked('LADING_ARTIFACT_ROOTS', () => {
        const equals = entry.indexOf('=')
        return {
          tenant: equals === -1 ? undefined : parseTenantId(entry.slice(0, equals)),
          location: parseArtifactLocation(entry.slice(equals + 1), scheme),
        }
      }),
    )
}

function checked<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof LadingError) throw new SettingsError([`${name}: ${error.detail}`])
    throw error
  }
}

function workerOf(settings: Settings): WorkerConfig {
  return {
    ...DEFAULT_WORKER_CONFIG,
    slots: settings.LADING_SLOTS,
    requestsPerTicket: settings.LADING_REQUESTS_PER_SLOT,
    memoryBytes: settings.LADING_WORKER_MEMORY,
    leaseMs: settings.LADING_LEASE,
    keepFailedMs: settings.LADING_KEEP_FAILED,
    idempotencyMs: settings.LADING_IDEMPOTENCY_TTL,
    retry: {
      ...DEFAULT_WORKER_CONFIG.retry,
      attempts: settings.LADING_RETRY_ATTEMPTS,
      maxAgeMs: settings.LADING_RETRY_MAX_AGE,
      maxDelayMs: settings.LADING_RETRY_MAX_DELAY,
    },
  }
}
