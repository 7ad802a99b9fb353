import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { Issuer } from '../../../../test/support/issuer.ts'
import { freshBucket, freshDatabase, sharedRedisUrl, sharedS3 } from '../../../../test/support/provided.ts'
import { startRedis } from '../../../../test/support/redis.ts'
import type { Finding } from '../doctor/finding.ts'
import { lading } from '../fixtures/lading-process.ts'
import { scratchDirectory } from '../fixtures/scratch-directory.ts'

/** The database of the tests does without its disk, and the doctor is right to say so. */
const NOT_DURABLE = { check: 'postgres.durable', found: expect.stringContaining('fsync') }

test('a sound system is in order, part by part', async () => {
  const settings = { ...(await soundSettings()), LADING_PORT: '0', LADING_OPS_PORT: '0' }
  await lading(['migrate'], settings).ended
  const { code, findings, ok } = await doctor([], settings)
  expect(findings.filter(({ state }) => state === 'fail')).toMatchObject([NOT_DURABLE])
  expect({ code, ok }).toEqual({ code: 1, ok: false })
  for (const check of [
    'node.version',
    'settings.valid',
    'postgres.writable',
    'postgres.schema',
    'redis.eviction',
    'store.objects',
    'store.conditions',
    'spool.flush',
    'clocks.database',
    'clocks.store',
  ])
    expect(states(findings)[check], check).toBe('ok')
})

test('for a person it prints a line for each, and how to mend what is wrong', async () => {
  const { code, out } = await lading(['doctor', 'postgres'], { DATABASE_URL: await freshDatabase() }).ended
  expect(code).toBe(1)
  expect(out).toMatch(/^ok {4}postgres\.version +PostgreSQL 1\d/m)
  expect(out).toMatch(/^FAIL {2}postgres\.schema .*\n +Run `lading migrate` once\.$/m)
  expect(out).toMatch(/\d in order, 0 to know of, 2 to mend\n$/)
})

test('a database that is not there is said so, with where it was looked for', async () => {
  const { findings, code } = await doctor(['postgres', 'clocks'], {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  })
  expect(code).toBe(1)
  expect(findings[0]).toMatchObject({
    check: 'postgres.reachable',
    state: 'fail',
    found: expect.stringContaining('127.0.0.1:1'),
    mend: expect.stringContaining('DATABASE_URL'),
  })
  expect(states(findings)['clocks.database']).toBe('skip')
})

test('an issuer whose keys are not to be had fails, by what is wrong with it', async () => {
  await using issuer = await Issuer.start()
  const settings = (url: string) => ({
    LADING_AUTH: 'jwt',
    LADING_JWT_ISSUER: url,
    LADING_JWT_AUDIENCE: 'lading',
  })
  const sound = await doctor(['settings'], settings(issuer.url))
  expect(states(sound.findings)).toMatchObject({ 'settings.access': 'ok', 'settings.issuer': 'ok' })
  const { code, findings } = await doctor(['settings'], settings(`${issuer.url}/`))
  expect(code).toBe(1)
  expect(findings.at(-1)).toMatchObject({
    check: 'settings.issuer',
    state: 'fail',
    found: expect.stringContaining(`is of the issuer "${issuer.url}"`),
    mend: expect.stringContaining('to the letter'),
  })
})

test('a proxy that answers for a server that is away is told as one', async () => {
  const proxy = createServer((_request, response) => response.writeHead(502).end('<html>Bad Gateway'))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const { code, findings } = await doctor(['server'], { LADING_URL: `http://127.0.0.1:${port}` })
  proxy.close()
  expect(code).toBe(1)
  expect(states(findings)).toMatchObject({ 'server.version': 'fail', 'server.ready': 'fail' })
  expect(findings).toContainEqual(
    expect.objectContaining({ check: 'server.access', found: expect.stringContaining('the answer was 502') }),
  )
})

test('a Redis that may evict tickets is warned of, and one that is not there fails', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const client = new Redis(redis.url)
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  client.disconnect()
  const settings = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', REDIS_URL: redis.url }
  const evicting = await doctor(['redis'], settings)
  expect(evicting.code).toBe(0)
  expect(evicting.findings.find(({ check }) => check === 'redis.eviction')).toMatchObject({
    state: 'warn',
    found: expect.stringContaining('allkeys-lru'),
    mend: expect.stringContaining('noeviction'),
  })
  await redis.stop()
  expect(states((await doctor(['redis'], settings)).findings)).toEqual({ 'redis.reachable': 'fail' })
})

test('a bucket that is missing, and keys that are wrong, are told apart', async () => {
  const settings = await soundSettings()
  const missing = await doctor(['store'], { ...settings, S3_BUCKET: 'not-there-at-all' })
  expect(missing.findings).toMatchObject([
    { check: 'store.bucket', state: 'fail', mend: expect.stringContaining('not-there-at-all') },
  ])
  const wrong = await doctor(['store'], { ...settings, AWS_SECRET_ACCESS_KEY: 'wrong' })
  expect(wrong.findings).toMatchObject([
    { check: 'store.bucket', state: 'fail', mend: expect.stringContaining('AWS_SECRET_ACCESS_KEY') },
  ])
})

test('settings that are not valid are named, each, and what depends on them is not looked at', async () => {
  const settings = { LADING_PORT: 'http', LADING_SLTS: '4' }
  const { code, findings } = await doctor(['settings', 'spool'], settings)
  expect(code).toBe(1)
  expect(findings.map(({ found }) => found)).toEqual([
    expect.stringContaining('LADING_SLTS'),
    expect.stringContaining('LADING_PORT'),
    'the settings are not valid',
  ])
})

test('a spool without room, and one that cannot be written, fail', async () => {
  const full = await doctor(['spool'], {
    LADING_DATA_DIR: scratchDirectory(),
    LADING_SPOOL_LOW_WATER: '1000TiB',
  })
  expect(full.findings[0]).toMatchObject({
    check: 'spool.room',
    state: 'fail',
    found: expect.stringContaining('507'),
  })
  const file = await doctor(['spool'], { LADING_SPOOL_DIR: '/dev/null/spool' })
  expect(states(file.findings)).toMatchObject({ 'spool.writable': 'fail' })
  expect(states(file.findings)).toHaveProperty('spool.room')
})

test('a port that another program has is told from one that a Lading has', async () => {
  const other = await serve((_, response) => response.end('something else'))
  const same = await serve((_, response) => response.end('{"status":"ok"}'))
  const { findings } = await doctor(['ports'], {
    LADING_PORT: String(other.port),
    LADING_OPS_PORT: String(same.port),
  })
  expect(findings).toMatchObject([
    { check: 'ports.api', state: 'fail', found: expect.stringContaining('another program') },
    { check: 'ports.ops', state: 'ok', found: expect.stringContaining('a Lading that runs') },
  ])
})

test('where only the address of a server is set, its user is answered', async () => {
  const { code, findings } = await doctor([], { LADING_URL: 'http://127.0.0.1:1' })
  expect(code).toBe(1)
  expect(states(findings)).toEqual({ 'node.version': 'ok', 'server.reachable': 'fail' })
})

test('a server that is no Lading, and whose clock is an hour behind, is seen through', async () => {
  const { url } = await serve((_, response) => {
    response.sendDate = false
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString())
    response.end('{}')
  })
  const { findings } = await doctor(['server'], { LADING_URL: url })
  expect(states(findings)).toMatchObject({ 'server.version': 'fail', 'server.clock': 'fail' })
  expect(findings.at(-1)?.found).toMatch(/^the server's clock is 3[56]\d\d\.\d s behind$/)
})

test('a part that does not exist is a mistake of the arguments', async () => {
  const { code, err } = await lading(['doctor', 'kafka']).ended
  expect(code).toBe(2)
  expect(err).toContain('Allowed choices are node, server')
})

async function soundSettings() {
  const s3 = sharedS3()
  return {
    DATABASE_URL: await freshDatabase(),
    REDIS_URL: sharedRedisUrl(),
    S3_ENDPOINT: s3.endpoint,
    S3_REGION: s3.region,
    S3_BUCKET: await freshBucket(),
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    LADING_DATA_DIR: scratchDirectory(),
    LADING_SPOOL_LOW_WATER: '1MiB',
  }
}

async function doctor(parts: readonly string[], settings: Readonly<Record<string, string>>) {
  const { code, out, err } = await lading(['doctor', ...parts, '--json'], settings).ended
  expect(err).toBe('')
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] }
  return { code, ok, findings }
}

function states(findings: readonly Finding[]): Record<string, Finding['state']> {
  return Object.fromEntries(findings.map(({ check, state }) => [check, state]))
}

async function serve(listener: RequestListener): Promise<{ readonly url: string; readonly port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port }
}
