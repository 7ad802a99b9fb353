import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'

/** What answers say of this machine would be in one of these: its folders, and the stack of an error. */
const INSIDE = /\/(tmp|home|root|work|usr|opt|var)\/|node_modules|node:internal|\bat \S+ \(|\.ts:\d|ENOENT.*'/

let server: ApiUnderTest
let run: string

beforeEach(async () => {
  server = await ApiUnderTest.start()
  run = (await server.run()).path
  await put('stored.txt')
  await server.deliver()
})

afterEach(() => server[Symbol.asyncDispose]())

function put(path: string, body: RequestInit['body'] = 'some text'): Promise<Response> {
  return server.fetch(`${run}/artifacts/${path}`, { method: 'PUT', body })
}

function folder(name: 'spool' | 'store'): string {
  return `${dirname(fileURLToPath(server.store.rootUri).replace(/\/$/, ''))}/${name}`
}

test.each([
  ['the spool is gone', () => rm(folder('spool'), { recursive: true })],
  ['the spool is a file', () => replaceByFile(folder('spool'))],
  ['the store is gone', () => rm(folder('store'), { recursive: true })],
  ['the store is a file', () => replaceByFile(folder('store'))],
  ['Postgres is gone', () => server.catalog.close()],
  ['the code has a bug', withBug],
])('where %s, answers say so without a word of folders or code', async (_what, harm) => {
  await harm()
  const answers = [
    await put('b.txt'),
    await server.fetch(`${run}/log-artifacts`, TAR),
    await server.fetch(`${run}/resumable`, RESUMABLE),
    await server.fetch(`${run}/artifacts/stored.txt`),
    await server.fetch(`${run}/artifacts/?archive=tar`),
    await server.fetch(`${run}/artifacts`),
    await server.fetch('/api/v1/jobs'),
    await server.fetch('/readyz'),
  ]
  const said = await Promise.all(answers.map(textOf))
  expect(answers.some(({ status }) => status >= 500)).toBe(true)
  expect(said.filter((text) => INSIDE.test(withoutUris(text)))).toEqual([])
})

test('a body that cannot be read is refused without a word of code', async () => {
  const headers = { 'content-type': 'application/json' }
  for (const body of ['{', '[]', '"\\ud800"', '{"name": 1e999}']) {
    const response = await server.fetch('/api/v1/experiments', { method: 'POST', headers, body })
    expect(response.status).toBe(400)
    expect(await response.text()).not.toMatch(INSIDE)
  }
})

const TAR = { method: 'POST', headers: { 'content-type': 'application/x-tar' }, body: Buffer.alloc(1024) }
const RESUMABLE = {
  method: 'POST',
  headers: { 'tus-resumable': '1.0.0', 'upload-length': '4', 'upload-metadata': 'path YQ==' },
}

function bug(): Error {
  return new TypeError("Cannot read properties of undefined (reading '/opt/lading/node_modules')")
}

async function withBug(): Promise<void> {
  server.spool.create = () => Promise.reject(bug())
}

async function replaceByFile(path: string): Promise<void> {
  await rename(path, `${path}-aside`)
  await writeFile(path, '')
}

/** A download that was begun breaks off. */
async function textOf(response: Response): Promise<string> {
  return `${JSON.stringify([...response.headers])} ${await response.text().catch(() => '')}`
}

/** Lists name objects by their URIs, which in a directory are its own: that is what they are for. */
function withoutUris(text: string): string {
  return text.replaceAll(/"(uri|artifact_uri)":"[^"]*"/g, '')
}
