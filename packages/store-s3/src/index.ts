export type { S3Credentials, S3Options } from './options.ts'
export { PROBE_KEY } from './probe.ts'
export { openS3Store } from './store.ts'
