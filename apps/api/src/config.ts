import { DEFAULT_JOB_LIMITS, type JobLimits } from '@lading/catalog'
import {
  type ArtifactLocation,
  type LocationScheme,
  MAX_PATH_BYTES,
  MAX_PATH_DEPTH,
  type TenantId,
} from '@lading/core'
import type { JwtRules } from './identity/jwt/rules.ts'

export interface ApiConfig {
  /** Address to listen on. */
  readonly host: string
  /** TCP port; 0 takes a free one. */
  readonly port: number
  /** `none` believes `X-Tenant-ID`; the others ask every request that speaks for a tenant for a key, or a token of the issuer. */
  readonly auth: 'none' | 'api-key' | 'jwt'
  /** Where `auth` is `jwt`. */
  readonly jwt: JwtRules | undefined
  /** What tokens of runs are signed with; the first signs, all are believed. Empty: the catalog has a secret. */
  readonly tokenSecrets: readonly Buffer[]
  /** What opens `/metrics`, and nothing else does; undefined: the scope `admin`, or nothing where nobody is authenticated. */
  readonly metricsToken: string | undefined
  /** The tenant of requests without `X-Tenant-ID`; undefined refuses them with `tenant_required`. */
  readonly defaultTenant: TenantId | undefined
  /** The bucket that readiness asks the store for. */
  readonly bucket: string
  /** Origins whose pages may ask, and read answers: `https://ml.example.com`. Other pages' browsers keep it from them. */
  readonly corsOrigins: readonly string[]
  readonly locations: LocationRules
  readonly limits: ApiLimits
}

/** Where experiments may put their artifacts. */
export interface LocationRules {
  readonly scheme: LocationScheme
  /** Roots that the operator allows; `tenant` undefined allows it to all. None: nobody may set a location. */
  readonly roots: readonly { readonly tenant: TenantId | undefined; readonly location: ArtifactLocation }[]
  /** Whether a root that all may use is, for each tenant, the folder of its name below it. */
  readonly tenantPrefix: boolean
}

export interface ApiLimits {
  /** Bytes in one request's body. */
  readonly requestBytes: number
  /** Bytes in one file. */
  readonly fileBytes: number
  /** Files in one request. */
  readonly files: number
  /** Files and directories in one request for a directory: an archive, or a form to `log-artifacts`. */
  readonly entries: number
  /** The catalog holds to it; a full job is refused before the body is read. */
  readonly job: JobLimits
  /** Connections that one address may have open at once; one more gets 429. */
  readonly connectionsOfAddress: number
  /** Uploads that one tenant may have under way at once in this process. */
  readonly uploadsOfTenant: number
  /** Bytes of UTF-8 in an artifact's path. */
  readonly pathBytes: number
  /** Segments of an artifact's path. */
  readonly pathDepth: number
  /** Bytes of one archive, unpacked. */
  readonly archiveBytes: number
  /** Bytes unpacked for each byte of a compressed archive; 16 MiB are free. */
  readonly archiveRatio: number
  /** Bytes in one field of a form, but for `manifest`. */
  readonly fieldBytes: number
  /** Bytes in the `manifest` field. */
  readonly manifestBytes: number
  /** Bytes in a form field's name. */
  readonly fieldNameBytes: number
  /** Bytes in the header of a part. */
  readonly partHeaderBytes: number
  /** Bytes in a JSON body. */
  readonly jsonBytes: number
  /** Bytes in the JSON body of a page of a plan. */
  readonly planBytes: number
  /** Bytes in the header of a request (431 above). */
  readonly headerBytes: number
  /** Milliseconds for the header of a request to arrive. */
  readonly headersTimeoutMs: number
  /** Milliseconds that an idle connection is kept; longer than a load balancer's own (60 s is common). */
  readonly keepAliveMs: number
  /** Milliseconds that a connection may stand still in the midst of a request or answer. */
  readonly idleMs: number
  /** Bytes a second that a body must bring at least, on average over `bodyRateWindowMs` (408 below). */
  readonly bodyBytesPerSecond: number
  /** Milliseconds over which the rate of a body is judged; what this server itself holds back does not count. */
  readonly bodyRateWindowMs: number
  /** Milliseconds that `Prefer: wait` and `?wait=` may wait at most. */
  readonly waitMs: number
  /** Milliseconds between the comments that keep a stream of events open. */
  readonly heartbeatMs: number
  /** Milliseconds after which an idempotency key that nobody renews may be taken by another request. */
  readonly idempotencyLeaseMs: number
  /** Milliseconds that an unfinished resumable upload waits for its next byte. */
  readonly keepUploadMs: number
  /** Unfinished resumable uploads of a tenant. */
  readonly unfinishedUploads: number
  /** Milliseconds after which a resumable upload that nobody renews may be taken by another request. */
  readonly uploadLeaseMs: number
  /** Bytes of a refused body that are read and dropped to keep its connection usable. */
  readonly drainBytes: number
  /** Milliseconds for the same, and for a client to read a refusal before its connection is closed. */
  readonly drainMs: number
  /** Milliseconds of it without a byte: a client that packs while it sends may think for a while between two of them. */
  readonly drainIdleMs: number
  /** Milliseconds that each check of readiness may take. */
  readonly checkMs: number
}

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

export const DEFAULT_API_LIMITS: ApiLimits = {
  requestBytes: 1024 * GIB,
  fileBytes: 1024 * GIB,
  files: 1000,
  entries: 200_000,
  job: DEFAULT_JOB_LIMITS,
  uploadsOfTenant: 256,
  connectionsOfAddress: 2000,
  pathBytes: MAX_PATH_BYTES,
  pathDepth: MAX_PATH_DEPTH,
  archiveBytes: 1024 * GIB,
  archiveRatio: 200,
  fieldBytes: 8 * KIB,
  manifestBytes: 4 * MIB,
  fieldNameBytes: 100,
  partHeaderBytes: 16 * KIB,
  jsonBytes: 64 * KIB,
  planBytes: 8 * MIB,
  headerBytes: 16 * KIB,
  headersTimeoutMs: 30_000,
  keepAliveMs: 75_000,
  idleMs: 300_000,
  bodyBytesPerSecond: 1024,
  bodyRateWindowMs: 30_000,
  waitMs: 60_000,
  heartbeatMs: 15_000,
  idempotencyLeaseMs: 30_000,
  keepUploadMs: 86_400_000,
  unfinishedUploads: 1000,
  uploadLeaseMs: 10_000,
  drainBytes: MIB,
  drainMs: 30_000,
  drainIdleMs: 5000,
  checkMs: 2000,
}
