import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createDatabase } from '../../support/postgres.ts'
import { startRedis } from '../../support/redis.ts'
import { startS3 } from '../../support/s3.ts'
import type { SystemServers } from '../../support/system.ts'
import { type S3Exchange, startS3Proxy } from '../../support/system-s3-proxy.ts'

/** Every secret of the test holds it, so that one search finds each of them, in whatever form. */
export const MARK = 's3cr3t'

/** Servers that ask for a password, and can be told to take it no longer. */
export interface GuardedServers extends AsyncDisposable {
  readonly forSystem: SystemServers
  readonly s3Endpoint: string
  /** From now on, what processes show to S3 is not believed. */
  lockOutOfS3(): void
  /** Nor what they show to Postgres and Redis, and who was believed is cut off. */
  lockOut(): Promise<void>
}

export async function startGuardedServers(postgresUrl: string): Promise<GuardedServers> {
  const [redis, s3] = await Promise.all([
    startRedis(),
    startS3({ own: true, secretAccessKey: `${MARK}-of-s3` }),
  ])
  const s3Proxy = await startS3Proxy(s3.endpoint)
  const role = await createRole(postgresUrl)
  const redisAdmin = new Redis(redis.url)
  const redisPassword = `${MARK}-of-redis`
  await redisAdmin.config('SET', 'requirepass', redisPassword)
  return {
    forSystem: { postgresUrl: role.url, redisUrl: redis.url.replace('//', `//:${redisPassword}@`), s3 },
    s3Endpoint: s3Proxy.url,
    lockOutOfS3() {
      s3Proxy.rule = () => signatureDoesNotMatch
    },
    async lockOut() {
      await redisAdmin.config('SET', 'requirepass', `another ${MARK}`)
      await redisAdmin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await role.setPassword(`another ${MARK}`)
    },
    async [Symbol.asyncDispose]() {
      redisAdmin.disconnect()
      await Promise.all([redis.stop(), s3.stop(), s3Proxy.close(), role.drop()])
    },
  }
}

/** A login of its own on the PostgreSQL that tests share. */
async function createRole(postgresUrl: string) {
  const name = `guarded_${randomBytes(6).toString('hex')}`
  const password = `${MARK}@of:postgres`
  const admin = new pg.Client({ connectionString: postgresUrl })
  await admin.connect()
  await admin.query(`CREATE ROLE ${name} LOGIN SUPERUSER PASSWORD '${password}'`)
  const url = new URL(await createDatabase(postgresUrl))
  Object.assign(url, { username: name, password: encodeURIComponent(password) })
  return {
    url: url.href,
    async setPassword(next: string) {
      await admin.query(`ALTER ROLE ${name} PASSWORD '${next}'`)
      await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [name])
    },
    async drop() {
      // The role owns a database of the system, and goes with the server.
      await admin.query(`ALTER ROLE ${name} NOLOGIN`)
      await admin.end()
    },
  }
}

/** As AWS answers: with all that it was shown. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
async function signatureDoesNotMatch({ incoming, outgoing, request }: S3Exchange): Promise<void> {
  await request.absorb()
  const shown = Object.entries({ ...incoming.headers, 'x-amz-security-token': MARK })
  const error = [
    ['Code', 'SignatureDoesNotMatch'],
    ['Message', 'The request signature we calculated does not match the signature you provided.'],
    ['SignatureProvided', `${MARK}-of-a-signature`],
    ['CanonicalRequest', shown.map(([name, value]) => `${name}:${value}`).join('\n')],
  ]
  const body = error.map(([name, text]) => `<${name}>${text}</${name}>`).join('')
  request.status = 403
  outgoing.writeHead(403, { 'content-type': 'application/xml' }).end(`<Error>${body}</Error>`)
}
