export type { S3Credentials, S3Options } from './options.ts'
export { openS3Store } from './store.ts'
