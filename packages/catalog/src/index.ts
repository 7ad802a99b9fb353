export type { ApiKeys, KeyRow } from './api-keys.ts'
export type * from './catalog.ts'
export type * from './delivery-catalog.ts'
export { DEFAULT_JOB_LIMITS, type JobLimits } from './job-limits.ts'
export type { Logger } from './logger.ts'
export * from './model.ts'
export * from './open.ts'
export type { ListedUploadId, Orphans, RunPlace, Stray, StrayLease } from './orphans.ts'
export { type Asked, checkSpooled, checkStored } from './quota-check.ts'
export {
  limitsUsage,
  NO_QUOTA,
  type Quota,
  type Quotas,
  type RateBucket,
  type TenantQuota,
  type Usage,
} from './quotas.ts'
export type { TokenSecret } from './token-secret.ts'
