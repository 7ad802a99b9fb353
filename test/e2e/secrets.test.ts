import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { type System, startSystem } from '../support/system.ts'
import { endLading, startLading } from '../support/system-process.ts'
import { Asking } from './secrets/asking.ts'
import { MARK, startGuardedServers } from './secrets/guarded-servers.ts'
import { showLogsOnFailure } from './show-logs.ts'

test(
  'no secret is written or answered, while all goes well and while nothing lets Lading in',
  TEST_LIMIT,
  async (context) => {
    await using servers = await startGuardedServers(inject('postgresUrl'))
    const { forSystem, s3Endpoint } = servers
    await using system = await startSystem({
      queue: 'redis',
      store: 's3',
      servers: forSystem,
      s3Endpoint,
      env: TALKATIVE,
    })
    showLogsOnFailure(system, context.onTestFailed)
    const key = await keyOf(system)
    const asking = new Asking(system.apis[0]?.url ?? '', key)
    const said: string[] = []
    const command = async (...args: string[]) => said.push((await system.run(...args)).text)

    expect(await asking.upload()).toBe('completed')
    await asking.mistakes()
    await command('doctor')
    await servers.lockOutOfS3()
    expect(await asking.upload()).toBe('failed')
    await servers.lockOut()
    await until(() => DOORS.every((door) => written(system).some((line) => door.test(line))), WITHIN)
    await asking.mistakes()
    for (const args of [['doctor'], ['doctor', '--json'], ['keys', 'list'], ['verify'], ['migrate']])
      await command(...args)

    const all = [...written(system), ...asking.heard, ...said]
    const secrets = [MARK, key, ...asking.keys]
    expect(all.filter((text) => secrets.some((secret) => text.includes(secret)))).toEqual([])
  },
)

test.each([
  ['DATABASE_URL', `mysql://root:${MARK}@db/lading`],
  ['REDIS_URL', `${MARK}@cache`],
  ['S3_ENDPOINT', `s3://me:${MARK}@store`],
  ['S3_SECRET_ACCESS_KEY', MARK],
  ['LADING_METRICS_TOKEN', MARK],
  ['LADING_TOKEN_SECRET', MARK],
  ['LADING_CORS_ORIGINS', `https://me:${MARK}@ml.example.com`],
  ['LADING_URL', `http://me:${MARK}@127.0.0.1:1`],
])('a wrong %s is named, and what is secret in it is not repeated', async (name, value) => {
  const env = { [name]: value }
  const command = name === 'LADING_URL' ? ['runs', 'list'] : ['api']
  for (const args of [command, ['doctor', 'server', 'settings']]) {
    const { code, text } = await endLading({ name, args, env })
    expect(code).not.toBe(0)
    if (name !== 'LADING_URL') expect(text).toContain(name)
    expect(text).not.toContain(MARK)
  }
})

test('the password of the embedded database stays in its file', TEST_LIMIT, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lading-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = { LADING_DATA_DIR: folder, LADING_PORT: '0', LADING_LOG_LEVEL: 'trace' }
  const up = await startLading({ name: 'up', args: ['up'], env })
  await up.kill('SIGTERM')
  const [file] = globSync('**/*.password', { cwd: folder })
  const password = readFileSync(join(folder, String(file)), 'utf8').trim()
  expect(password.length).toBeGreaterThan(20)
  expect(up.lines.filter((line) => line.includes(password))).toEqual([])
})

const TALKATIVE = {
  LADING_AUTH: 'api-key',
  LADING_LOG_LEVEL: 'trace',
  LADING_TOKEN_SECRET: `${MARK}-that-tokens-of-runs-are-signed-with`,
  LADING_METRICS_TOKEN: `${MARK}-of-the-metrics`,
}

/** What is written when each of them lets Lading in no more. */
const DOORS = [/WRONGPASS/, /SignatureDoesNotMatch/, /password authentication failed/]

function written({ apis, workers }: System): string[] {
  return [...apis, ...workers].flatMap(({ lines }) => lines)
}

async function keyOf(system: System): Promise<string> {
  const { text } = await system.run(
    'keys',
    'create',
    '--tenant',
    'acme-corp',
    '--name',
    'test',
    '--scopes',
    'admin',
    '--json',
  )
  const line = text.split('\n').find((line) => line.includes('"key"')) ?? '{}'
  return (JSON.parse(line) as { key: string }).key
}
