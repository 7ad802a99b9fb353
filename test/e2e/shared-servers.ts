import { inject } from 'vitest'
import type { SystemServers } from '../support/system.ts'

/** What all tests of the run share; a test that hurts a server starts one of its own. */
export function sharedServers(): SystemServers {
  return { postgresUrl: inject('postgresUrl'), redisUrl: inject('redisUrl'), s3: inject('s3') }
}
