import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '@lading/client'
import type { TenantId } from '@lading/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiUnderTest } from '../../apps/api/src/fixtures/api-under-test.ts'
import { jwtRules } from '../../apps/api/src/fixtures/jwt-rules.ts'
import { lading } from '../../apps/lading/src/fixtures/lading-process.ts'
import { Issuer } from '../support/issuer.ts'
import { PYTHON_PACKAGE, testPython } from '../support/python.ts'

let issuer: Issuer
let server: ApiUnderTest
let folder: string
let key: string
let runId: string
/** Made as a person makes it. */
let runToken: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-tokens-'))
  issuer = await Issuer.start()
  server = await ApiUnderTest.start({ config: { auth: 'jwt', jwt: jwtRules(issuer) } })
  const given = { name: 'trainer', scopes: ['read', 'write'], expiresAt: undefined } as const
  key = (await server.catalog.api.keys.create('acme' as TenantId, given)).key
  runId = (await connect({ url: server.url, apiKey: key }).startRun({ experiment: 'tokens' })).id
  runToken = (await command(['token', '--run', runId, '--ttl', '2h'], key)).trim()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await issuer[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** What may be in `LADING_API_KEY`. */
const KINDS: Readonly<Record<string, () => Promise<string>>> = {
  'a key': async () => key,
  'a token of an issuer': () => issuer.token(),
  'a token of the run': async () => runToken,
}

describe.each(Object.entries(KINDS))('with %s', (kind, show) => {
  test('the command uploads', async () => {
    const file = join(folder, 'model.txt')
    await writeFile(file, 'a model')
    await command(['upload', file, '--run', runId, '--to', `command/${kind}`], await show())
    await server.deliver()
    expect(await logged(runId, `command/${kind}/model.txt`)).toBe('a model')
  })

  test('the TypeScript client uploads and downloads', async () => {
    const run = connect({ url: server.url, apiKey: await show() }).run(runId)
    await run.logText(`client/${kind}.txt`, 'a model')
    await server.deliver()
    expect(await (await run.blob(`client/${kind}.txt`)).text()).toBe('a model')
  })

  test('Python logs', async () => {
    await python(logging(runId, `python/${kind}.txt`), await show())
    await server.deliver()
    expect(await logged(runId, `python/${kind}.txt`)).toBe('a model')
  })
})

test('a token of a run is refused by the command where it is of another', async () => {
  const other = await connect({ url: server.url, apiKey: key }).startRun({ experiment: 'tokens' })
  for (const args of [['ls', '--run', other.id], ['experiments']]) {
    const { code, err } = await lading(args, settings(runToken)).ended
    expect({ code, err }, args.join(' ')).toEqual({
      code: 6,
      err: expect.stringContaining(`of run ${runId} alone`),
    })
  }
})

test('what an outbox of Python has of another run waits for a key that may, and holds nothing up', async () => {
  const own = connect({ url: server.url, apiKey: key })
  const other = await own.startRun({ experiment: 'tokens' })
  const outbox = await mkdtemp(join(folder, 'outbox-'))
  await python(logging(other.id, 'left.txt'), key, { LADING_OUTBOX: outbox, LADING_OFFLINE: 'true' })
  const untilSent = 'while not upload.sent(): time.sleep(0.01)'
  const leaving = { LADING_OUTBOX: outbox, LADING_EXIT_TIMEOUT: '0' }
  await python(logging(runId, 'mine.txt') + untilSent, runToken, leaving)
  await server.deliver()
  expect(await logged(runId, 'mine.txt')).toBe('a model')
  await expect(other.blob('left.txt')).rejects.toMatchObject({ code: 'artifact_not_found' })
  await python(logging(runId, 'again.txt'), key, { LADING_OUTBOX: outbox })
  await server.deliver()
  expect(await logged(other.id, 'left.txt')).toBe('a model')
})

test('the doctor takes a token of a run for what it is', async () => {
  const { out } = await lading(['doctor', 'server'], settings(runToken)).ended
  expect(out).toMatch(/^ok {4}server\.access +by a token of one run$/m)
})

test('a time and a scope that cannot be are told before anything is asked', async () => {
  const wrongTime = await lading(['token', '--run', runId, '--ttl', 'long'], settings(key)).ended
  expect(wrongTime).toMatchObject({ code: 2, err: expect.stringContaining('--ttl: "long" must be a time') })
  const wrongScope = await lading(['token', '--run', runId, '--scopes', 'admin'], settings(key)).ended
  expect(wrongScope.err).toContain('"admin" is none of read, write, delete')
})

async function logged(run: string, path: string): Promise<string> {
  return await (await connect({ url: server.url, apiKey: key }).run(run).blob(path)).text()
}

async function command(args: readonly string[], token: string): Promise<string> {
  const { code, out, err } = await lading(args, settings(token)).ended
  expect(code, err).toBe(0)
  return out
}

function logging(run: string, path: string): string {
  return `import time
from lading import ExperimentTracker
upload = ExperimentTracker().run(${JSON.stringify(run)}).log_text("a model", ${JSON.stringify(path)})
`
}

async function python(script: string, token: string, more: Record<string, string> = {}): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    PYTHONPATH: join(PYTHON_PACKAGE, 'src'),
    PYTHONDONTWRITEBYTECODE: '1',
    LADING_OUTBOX: await mkdtemp(join(folder, 'outbox-')),
    ...settings(token),
    ...more,
  }
  await promisify(execFile)(String(testPython()), ['-c', script], { env })
}

function settings(token: string): Record<string, string> {
  return { LADING_URL: server.url, LADING_API_KEY: token }
}
