import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SECURITY_HEADERS } from '@lading/api'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { until } from '../../../test/support/deadline.ts'
import { freshDatabase } from '../../../test/support/provided.ts'
import { type LadingProcess, lading } from './fixtures/lading-process.ts'
import { scratchDirectory } from './fixtures/scratch-directory.ts'

let databaseUrl: string

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  expect((await lading(['migrate'], { DATABASE_URL: databaseUrl }).ended).code).toBe(0)
})

test('a worker says that it lives and is ready, and SIGTERM ends it with 0', async () => {
  const worker = await startWorker({ DATABASE_URL: databaseUrl })
  expect(await ask(worker, '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
  // The queue's tables are made in the background.
  const ready = await until(
    async () => {
      const answer = await ask(worker, '/readyz')
      return answer.body.status === 'ok' && answer
    },
    { within: 30_000 },
  )
  expect(ready).toEqual({
    status: 200,
    body: { status: 'ok', checks: { postgres: 'ok', spool: 'ok', store: 'ok', queue: 'ok' } },
  })
  expect((await fetch(`${worker.url}/healthz?deep=1`)).status).toBe(200)
  const elsewhere = await fetch(`${worker.url}/elsewhere`)
  expect(elsewhere.status).toBe(404)
  expect(Object.fromEntries(elsewhere.headers)).toMatchObject(SECURITY_HEADERS)
  worker.child.kill('SIGTERM')
  expect((await worker.ended).code).toBe(0)
})

test('a worker shows its metrics, those of the process and of the backlog among them', async () => {
  const worker = await startWorker({ DATABASE_URL: databaseUrl })
  const response = await fetch(`${worker.url}/metrics`)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = await response.text()
  for (const name of ['lading_backlog_items', 'lading_lease_expiries_total', 'process_cpu_seconds_total'])
    expect(text).toContain(`# HELP ${name}`)
})

test('a worker asks for the token of its metrics, and says so to whoever has another', async () => {
  const token = 'prometheus-0123456789'
  const worker = await startWorker({ DATABASE_URL: databaseUrl, LADING_METRICS_TOKEN: token })
  const refused = await fetch(`${worker.url}/metrics`)
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="lading"')
  const scrape = await fetch(`${worker.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  expect(await scrape.text()).toContain('# HELP lading_backlog_items')
  expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
})

test('a worker whose database has no schema yet is not ready, and says what to do', async () => {
  const worker = await startWorker({ DATABASE_URL: await freshDatabase() })
  const { status, body } = await ask(worker, '/readyz')
  expect(status).toBe(503)
  expect(body).toMatchObject({ status: 'not_ready', checks: { spool: 'ok', store: 'ok' } })
  expect(body.checks?.postgres).toContain('run "lading migrate"')
  expect((await fetch(`${worker.url}/healthz`)).status).toBe(200)
})

test('without its database a worker is not ready, and its metrics are served all the same', async () => {
  const worker = await startWorker({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
  const { status, body } = await ask(worker, '/readyz')
  expect(status).toBe(503)
  expect(body.checks?.postgres).not.toBe('ok')
  expect(await (await fetch(`${worker.url}/metrics`)).text()).toContain('# HELP lading_backlog_items')
})

test('a worker whose spool was taken away is not ready', async () => {
  const directory = scratchDirectory()
  const worker = await startWorker({ DATABASE_URL: databaseUrl, LADING_DATA_DIR: directory })
  await rm(join(directory, 'spool'), { recursive: true })
  const { status, body } = await ask(worker, '/readyz')
  expect(status).toBe(503)
  expect(body.checks).toMatchObject({ postgres: 'ok' })
  expect(body.checks?.spool).not.toBe('ok')
})

test('without its queue a worker is degraded, and no more than that', async () => {
  const worker = await startWorker({ DATABASE_URL: databaseUrl, REDIS_URL: 'redis://127.0.0.1:1' })
  const { status, body } = await ask(worker, '/readyz')
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'degraded', checks: { postgres: 'ok', store: 'ok' } })
  expect(body.checks?.queue).not.toBe('ok')
})

interface Answer {
  readonly status: number
  readonly body: { readonly status: string; readonly checks?: Readonly<Record<string, string>> }
}

async function ask({ url }: { url: string }, path: string): Promise<Answer> {
  const response = await fetch(url + path)
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

/** Ends with its test. */
async function startWorker(settings: Record<string, string>): Promise<LadingProcess & { url: string }> {
  const worker = lading(['worker'], {
    LADING_DATA_DIR: scratchDirectory(),
    LADING_OPS_PORT: '0',
    LADING_SHUTDOWN_GRACE: '5s',
    ...settings,
  })
  onTestFinished(async () => {
    worker.child.kill('SIGKILL')
    await worker.ended
  })
  const url = await until(() => /"url":"(http:[^"]+)"/.exec(worker.out())?.[1], { within: 30_000 })
  return { ...worker, url }
}
