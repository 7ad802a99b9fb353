import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { SettingsError } from './settings/settings-error.ts'

const S3 = { S3_ENDPOINT: 'http://127.0.0.1:7070' }

test('with no settings everything is embedded, and lies in .lading', () => {
  const config = readConfig({})
  const data = resolve('.lading')
  expect(config).toMatchObject({
    dataDirectory: data,
    databaseUrl: undefined,
    redisUrl: undefined,
    store: { kind: 'directory', root: join(data, 'objects') },
    bucket: 'matih-artifacts',
    spool: { directory: join(data, 'spool') },
    host: '127.0.0.1',
    api: { port: 8080, defaultTenant: 'default', locations: { roots: [] } },
  })
})

test('an address that is not loopback wants keys, or to be told that nobody is authenticated', () => {
  expect(faultsOf({ LADING_HOST: '0.0.0.0' })[0]).toContain('LADING_HOST: 0.0.0.0 is not loopback')
  expect(readConfig({ LADING_HOST: '0.0.0.0', LADING_ALLOW_UNAUTHENTICATED: 'true' }).api.auth).toBe('none')
  expect(readConfig({ LADING_HOST: '::1' }).host).toBe('::1')
  const keys = { LADING_AUTH: 'api-key', LADING_HOST: '0.0.0.0' }
  expect(readConfig({ ...keys, DATABASE_URL: 'postgres://db/lading' }).api.auth).toBe('api-key')
  expect(readConfig(keys).api.auth).toBe('api-key')
})

const JWT = {
  LADING_AUTH: 'jwt',
  LADING_JWT_ISSUER: 'https://login.example/realms/ml',
  LADING_JWT_AUDIENCE: 'lading',
}

test('tokens of an issuer are taken where it and the audience are named, signed asymmetrically', () => {
  expect(readConfig({ ...JWT, LADING_HOST: '0.0.0.0' }).api).toMatchObject({
    auth: 'jwt',
    jwt: {
      issuer: JWT.LADING_JWT_ISSUER,
      audience: 'lading',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      tenantClaim: 'tenant',
      scopeClaim: 'scope',
      scopePrefix: '',
      clockToleranceMs: 30_000,
    },
  })
  const others = {
    LADING_JWT_ALGORITHMS: 'ES256, EdDSA',
    LADING_JWT_TENANT_CLAIM: 'https://example/tenant',
    LADING_JWT_SCOPE_CLAIM: 'scp',
    LADING_JWT_SCOPE_PREFIX: 'lading:',
    LADING_JWT_CLOCK_TOLERANCE: '0s',
  }
  expect(readConfig({ ...JWT, ...others }).api.jwt).toMatchObject({
    algorithms: ['ES256', 'EdDSA'],
    tenantClaim: 'https://example/tenant',
    scopeClaim: 'scp',
    scopePrefix: 'lading:',
    clockToleranceMs: 0,
  })
})

test('an issuer without an audience, over http, or signing with a shared secret stops the start', () => {
  expect(faultsOf({ LADING_AUTH: 'jwt' })).toEqual([
    'LADING_JWT_ISSUER: must be set where LADING_AUTH is jwt',
    'LADING_JWT_AUDIENCE: must be set where LADING_AUTH is jwt',
  ])
  expect(
    faultsOf({
      ...JWT,
      LADING_JWT_ISSUER: 'http://login.example',
      LADING_JWT_ALGORITHMS: 'RS256,HS256',
      LADING_JWT_CLOCK_TOLERANCE: '1h',
    }),
  ).toEqual([
    expect.stringContaining(
      'LADING_JWT_ISSUER: "http://login.example" must be a URL that begins with https://',
    ),
    expect.stringContaining('LADING_JWT_ALGORITHMS: "RS256,HS256" must be of RS256,'),
    'LADING_JWT_CLOCK_TOLERANCE: "1h" must be a time of at most 5m',
  ])
  expect(faultsOf({ ...JWT, LADING_JWT_ALGORITHMS: 'none' })).toHaveLength(1)
  expect(readConfig({ ...JWT, LADING_JWT_ISSUER: 'http://127.0.0.1:9000' }).api.auth).toBe('jwt')
  const { LADING_AUTH: _, ...forgotten } = JWT
  expect(faultsOf(forgotten)).toEqual([
    'LADING_JWT_ISSUER: has no effect unless LADING_AUTH is jwt',
    'LADING_JWT_AUDIENCE: has no effect unless LADING_AUTH is jwt',
  ])
})

test('a token for metrics is long enough not to be guessed, and is not repeated in the error', () => {
  expect(readConfig({}).api.metricsToken).toBeUndefined()
  expect(readConfig({ LADING_METRICS_TOKEN: 'scrape-0123456789abc' }).api.metricsToken).toBe(
    'scrape-0123456789abc',
  )
  expect(faultsOf({ LADING_METRICS_TOKEN: 'hunter2' })).toEqual([
    'LADING_METRICS_TOKEN: its value must be at least 16 of letters, digits, "-", ".", "_", "~", "+" and "/"',
  ])
})

test('tokens of runs are signed by the first secret, and believed by all', () => {
  expect(readConfig({}).api.tokenSecrets).toEqual([])
  const [one, two] = ['a'.repeat(32), 'b'.repeat(32)]
  expect(readConfig({ LADING_TOKEN_SECRET: `${one},${two}` }).api.tokenSecrets).toEqual([
    Buffer.from(one),
    Buffer.from(two),
  ])
})

test('keys can be made to begin with their tenant, those of roots for all as well', () => {
  expect(readConfig({})).toMatchObject({ tenantPrefix: false, api: { locations: { tenantPrefix: false } } })
  expect(readConfig({ LADING_TENANT_PREFIX: 'true' })).toMatchObject({
    tenantPrefix: true,
    api: { locations: { tenantPrefix: true } },
  })
})

test('pages of other origins are let in only where they are listed, each exactly', () => {
  expect(readConfig({}).api.corsOrigins).toEqual([])
  const listed = readConfig({ LADING_CORS_ORIGINS: 'https://ml.example.com,http://localhost:3000' })
  expect(listed.api.corsOrigins).toEqual(['https://ml.example.com', 'http://localhost:3000'])
  expect(faultsOf({ LADING_CORS_ORIGINS: '*' })).toHaveLength(1)
})

test('the spool and the objects can lie elsewhere than the rest', () => {
  expect(readConfig({ LADING_SPOOL_DIR: '/fast/spool', LADING_OBJECTS_DIR: '/large/objects' })).toMatchObject(
    {
      spool: { directory: '/fast/spool' },
      store: { root: '/large/objects' },
    },
  )
})

test('an endpoint is enough to use S3, with the bucket in the path', () => {
  expect(readConfig(S3)).toMatchObject({
    store: { kind: 's3', options: { endpoint: S3.S3_ENDPOINT, region: 'us-east-1', forcePathStyle: true } },
    bucket: 'matih-artifacts',
    api: { bucket: 'matih-artifacts', locations: { scheme: { scheme: 's3' } } },
  })
})

test('a bucket without an endpoint is one of AWS, with the bucket in the host name', () => {
  expect(readConfig({ S3_BUCKET: 'artifacts', S3_REGION: 'eu-central-1' })).toMatchObject({
    store: {
      kind: 's3',
      options: { endpoint: undefined, region: 'eu-central-1', forcePathStyle: false },
    },
    bucket: 'artifacts',
  })
})

test('whether the bucket is in the path can be said', () => {
  expect(readConfig({ ...S3, S3_PATH_STYLE: 'false' })).toMatchObject({
    store: { options: { forcePathStyle: false } },
  })
})

test('settings of S3 without a bucket or an endpoint stop the start, so that no artifact goes astray', () => {
  expect(faultsOf({ S3_REGION: 'eu-central-1', S3_STORAGE_CLASS: 'STANDARD_IA' })).toEqual([
    'S3_REGION: has no effect without S3_BUCKET or S3_ENDPOINT; set one of them',
    'S3_STORAGE_CLASS: has no effect without S3_BUCKET or S3_ENDPOINT; set one of them',
  ])
})

test('encryption is asked for as it is set, and a key goes with KMS alone', () => {
  const sseOf = (environment: Record<string, string>) => {
    const { store } = readConfig({ ...S3, ...environment })
    return store.kind === 's3' ? store.options.sse : undefined
  }
  expect(sseOf({})).toBeUndefined()
  expect(sseOf({ S3_SSE: 'AES256' })).toBe('AES256')
  expect(sseOf({ S3_SSE: 'aws:kms', S3_KMS_KEY_ID: 'alias/ml' })).toEqual({ kmsKeyId: 'alias/ml' })
  expect(faultsOf({ ...S3, S3_SSE: 'aws:kms' })).toEqual([
    'S3_KMS_KEY_ID: must be set where S3_SSE is aws:kms',
  ])
  expect(faultsOf({ ...S3, S3_SSE: 'AES256', S3_KMS_KEY_ID: 'alias/ml' })).toEqual([
    'S3_KMS_KEY_ID: has no effect unless S3_SSE is aws:kms',
  ])
})

test('roots for artifact locations are for all tenants or for one', () => {
  const roots = 's3://shared/ml/, acme-corp=s3://acme/, '
  expect(readConfig({ ...S3, LADING_ARTIFACT_ROOTS: roots }).api.locations.roots).toEqual([
    { tenant: undefined, location: { scheme: 's3', bucket: 'shared', prefix: 'ml/' } },
    { tenant: 'acme-corp', location: { scheme: 's3', bucket: 'acme', prefix: '' } },
  ])
})

test('where a directory is the store, roots are file URLs below it', () => {
  const uri = pathToFileURL('/large/objects').href
  const settings = { LADING_OBJECTS_DIR: '/large/objects', LADING_ARTIFACT_ROOTS: `${uri}/team-bucket/a/` }
  expect(readConfig(settings).api.locations).toEqual({
    scheme: { scheme: 'file', rootUri: `${uri}/` },
    roots: [{ tenant: undefined, location: { scheme: 'file', bucket: 'team-bucket', prefix: 'a/' } }],
    tenantPrefix: false,
  })
})

test('every root that cannot be one is named', () => {
  const faults = faultsOf({
    ...S3,
    LADING_ARTIFACT_ROOTS: 's3://fine/,ftp://bucket/x/,no tenant=s3://bucket/,s3://bucket/../other/',
  })
  expect(faults).toHaveLength(3)
  expect(faults[0]).toMatch(/^LADING_ARTIFACT_ROOTS: .*ftp:\/\/bucket\/x\/.* must begin with s3:\/\//)
  expect(faults[1]).toMatch(/^LADING_ARTIFACT_ROOTS: tenant id: .*no tenant/)
  expect(faults[2]).toMatch(/^LADING_ARTIFACT_ROOTS: .*\.\./)
})

test('requests can be made to name their tenant', () => {
  expect(readConfig({ LADING_DEFAULT_TENANT: '' }).api.defaultTenant).toBeUndefined()
  expect(readConfig({ LADING_DEFAULT_TENANT: 'acme-corp' }).api.defaultTenant).toBe('acme-corp')
  expect(faultsOf({ LADING_DEFAULT_TENANT: 'acme corp' })).toHaveLength(1)
})

test('limits, leases and retries reach the parts that keep them', () => {
  const config = readConfig({
    LADING_MAX_FILE: '1GiB',
    LADING_MAX_REQUEST: '2GiB',
    LADING_MAX_FILES: '7',
    LADING_MAX_FIELD: '1KiB',
    LADING_MAX_JOB_FILES: '70',
    LADING_MAX_JOB_BYTES: '3GiB',
    LADING_MAX_PATH: '200',
    LADING_MAX_DEPTH: '8',
    LADING_MAX_UPLOADS_AT_ONCE: '17',
    LADING_MAX_CONNECTIONS: '90',
    LADING_QUOTA_BYTES: '5TiB',
    LADING_QUOTA_OBJECTS: '5000',
    LADING_QUOTA_SPOOLED: '5GiB',
    LADING_QUOTA_REQUEST_RATE: '50',
    LADING_QUOTA_BYTE_RATE: '5MiB',
    LADING_TENANT_SHARE: '60',
    LADING_MIN_BODY_RATE: '10KiB',
    LADING_MAX_WAIT: '5s',
    LADING_IDEMPOTENCY_LEASE: '9s',
    LADING_MAX_RESUMABLE: '6',
    LADING_KEEP_RESUMABLE: '5h',
    LADING_SLOTS: '3',
    LADING_REQUESTS_PER_SLOT: '2',
    LADING_WORKER_MEMORY: '64MiB',
    LADING_LEASE: '10s',
    LADING_RETRY_ATTEMPTS: '4',
    LADING_RETRY_MAX_AGE: '1h',
    LADING_RETRY_MAX_DELAY: '30s',
    LADING_KEEP_FAILED: '2h',
    LADING_KEEP_PARTIAL: '3h',
    LADING_KEEP_UNKNOWN: '4m',
    LADING_SPOOL_SWEEP: '6s',
    LADING_IDEMPOTENCY_TTL: '3h',
    LADING_SCRUB_RATE: '1MiB',
    LADING_SCRUB_OBJECTS: '3',
    LADING_SCRUB_EVERY: '7d',
    ...S3,
  })
  expect(config.api.limits).toMatchObject({
    fileBytes: 2 ** 30,
    requestBytes: 2 ** 31,
    files: 7,
    job: { files: 70, bytes: 3 * 2 ** 30 },
    pathBytes: 200,
    pathDepth: 8,
    uploadsOfTenant: 17,
    connectionsOfAddress: 90,
    fieldBytes: 1024,
    bodyBytesPerSecond: 10_240,
    waitMs: 5_000,
    idempotencyLeaseMs: 9_000,
    unfinishedUploads: 6,
    keepUploadMs: 18_000_000,
  })
  expect(config.quota).toEqual({
    bytes: 5 * 2 ** 40,
    objects: 5000,
    spooledBytes: 5 * 2 ** 30,
    requestsPerSecond: 50,
    bytesPerSecond: 5 * 2 ** 20,
    uploadsAtOnce: 17,
  })
  expect(config.worker).toMatchObject({
    slots: 3,
    tenantPercent: 60,
    requestsPerTicket: 2,
    memoryBytes: 64 * 2 ** 20,
    leaseMs: 10_000,
    retry: { attempts: 4, maxAgeMs: 3_600_000, maxDelayMs: 30_000 },
    keepFailedMs: 7_200_000,
    partialPackMs: 10_800_000,
    unknownPackMs: 240_000,
    reconcileMs: 6_000,
    idempotencyMs: 10_800_000,
    scrub: { bytesPerSecond: 2 ** 20, objectsPerSecond: 3, everyMs: 604_800_000 },
  })
  expect(config.store).toMatchObject({ options: { maxSockets: 22 } })
})

test('checkpoints, which stop the process for tests, are refused where it is production', () => {
  const environment = { LADING_TEST_CHECKPOINTS: '/tmp/checkpoints' }
  expect(readConfig(environment).checkpoints).toBe('/tmp/checkpoints')
  expect(faultsOf({ ...environment, NODE_ENV: 'production' })).toEqual([
    expect.stringContaining('LADING_TEST_CHECKPOINTS'),
  ])
})

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}
