import type { TestContext } from 'vitest'
import { type System, type SystemOptions, startSystem } from '../support/system.ts'
import { type S3Proxy, startS3Proxy } from '../support/system-s3-proxy.ts'
import { showLogsOnFailure } from './show-logs.ts'

export interface FaultsSystem extends System {
  /** The way to S3, in which requests can be held and refused. */
  readonly proxy: S3Proxy
}

type Options = Pick<SystemOptions, 'servers'> & Partial<SystemOptions>

/** A system on Redis and S3 for one test, that stops with it, with a proxy of its own in front of S3. */
export async function startFaultsSystem(
  { onTestFailed, onTestFinished }: TestContext,
  options: Options,
): Promise<FaultsSystem> {
  const proxy = await startS3Proxy(options.servers.s3.endpoint)
  onTestFinished(() => proxy.close())
  const system = await startSystem({ queue: 'redis', store: 's3', s3Endpoint: proxy.url, ...options })
  // Callbacks run in reverse order: the system stops while its proxy is still there.
  onTestFinished(() => system.stop())
  showLogsOnFailure(system, onTestFailed)
  return Object.assign(system, { proxy })
}
