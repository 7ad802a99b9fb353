export { type ApiConfig, type ApiLimits, DEFAULT_API_LIMITS, type LocationRules } from './config.ts'
export type { ApiDeps } from './context.ts'
export type { JobChanges } from './job-watch.ts'
export { type Api, createApi } from './server.ts'
