import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startS3, type TestS3 } from '../support/s3.ts'
import type { SystemServers } from '../support/system.ts'
import { pass, type S3Proxy, startS3Proxy } from '../support/system-s3-proxy.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/** Servers that faults are done to, each with a network in front of it. */
export interface FaultServers extends AsyncDisposable {
  readonly postgres: TestPostgres
  readonly redis: TestRedis
  readonly s3: TestS3
  /** How the system reaches them. */
  readonly networks: { readonly postgres: TcpProxy; readonly redis: TcpProxy; readonly s3: TcpProxy }
  /** Behind the network to S3, in front of the server. */
  readonly s3Proxy: S3Proxy
  readonly forSystem: SystemServers
  readonly s3Endpoint: string
  /** All run, all networks are open, and Redis is as new. */
  restore(): Promise<void>
}

export async function startFaultServers(): Promise<FaultServers> {
  const [postgres, redis, s3] = await Promise.all([startPostgres(), startRedis(), startS3({ own: true })])
  const s3Proxy = await startS3Proxy(s3.endpoint)
  const networks = {
    postgres: await startTcpProxy(portOf(postgres.url)),
    redis: await startTcpProxy(redis.port),
    s3: await startTcpProxy(portOf(s3Proxy.url)),
  }
  return {
    postgres,
    redis,
    s3,
    networks,
    s3Proxy,
    forSystem: {
      postgresUrl: through(postgres.url, networks.postgres),
      redisUrl: through(redis.url, networks.redis),
      s3,
    },
    s3Endpoint: through(s3Proxy.url, networks.s3),
    async restore() {
      for (const network of Object.values(networks)) network.network = 'open'
      s3Proxy.rule = pass
      await Promise.all([redis.start(), s3.start()])
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...Object.values(networks), s3Proxy].map((proxy) => proxy.close()))
      await Promise.all([postgres, redis, s3].map((server) => server.stop()))
    },
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function through(url: string, { port }: TcpProxy): string {
  const address = new URL(url)
  address.port = String(port)
  return address.href.replace(/\/$/, '')
}
