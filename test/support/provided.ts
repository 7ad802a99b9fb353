import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createDatabase } from './postgres.ts'
import { createBucket, type S3Access } from './s3.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of a database whose user may make others. */
    postgresUrl: string
    redisUrl: string
    s3: S3Access
  }
}

/** Redis that all tests of the run share: each takes a key prefix of its own, and none flushes or stops it. */
export function sharedRedisUrl(): string {
  return inject('redisUrl')
}

/** S3 that all tests of the run share: each takes a bucket of its own, and none stops it. */
export function sharedS3(): S3Access {
  return inject('s3')
}

/** The URL of an empty database on the PostgreSQL that all tests of the run share. */
export function freshDatabase(): Promise<string> {
  return createDatabase(inject('postgresUrl'))
}

/** The name of an empty bucket on the shared S3. */
export async function freshBucket(): Promise<string> {
  const name = `t-${randomBytes(8).toString('hex')}`
  await createBucket(inject('s3'), name)
  return name
}
