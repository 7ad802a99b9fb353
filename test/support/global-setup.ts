import type { TestProject } from 'vitest/node'
import './provided.ts'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'
import { startS3 } from './s3.ts'

/** One PostgreSQL, one Redis and one S3 for the whole run; tests that hurt a server start one of their own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starts = [startPostgres(), startRedis(), startS3()] as const
  const stopAll = async () => {
    for (const start of await Promise.allSettled(starts)) {
      if (start.status === 'fulfilled') await start.value.stop()
    }
  }
  const [postgres, redis, s3] = await Promise.all(starts).catch(async (error) => {
    await stopAll()
    throw error
  })
  const { name, endpoint, region, accessKeyId, secretAccessKey } = s3
  project.provide('postgresUrl', postgres.url)
  project.provide('redisUrl', redis.url)
  project.provide('s3', { name, endpoint, region, accessKeyId, secretAccessKey })
  console.log(`Tests use ${name} as S3`)
  return stopAll
}
