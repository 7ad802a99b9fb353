import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findProgram } from '../../../test/support/find-program.ts'
import type { connect } from './browser.ts'
import { buildPackage } from './fixtures/built-package.ts'
import { type ClientOfSystem, startWithClient } from './fixtures/client-of-system.ts'
import { smallServer } from './fixtures/small-server.ts'

let harbour: ClientOfSystem
let browser: Browser
let built: Awaited<ReturnType<typeof buildPackage>>

beforeAll(async () => {
  built = await buildPackage()
  harbour = await startWithClient()
  const executablePath = findProgram('chromium', 'chromium-browser', 'google-chrome') ?? ''
  const args = ['--no-sandbox', '--host-resolver-rules=MAP lading.test 127.0.0.1']
  browser = await chromium.launch({ executablePath, args })
})

afterAll(async () => {
  await browser?.close()
  await harbour?.system.stop()
  await built?.[Symbol.asyncDispose]()
})

/** One origin for the page, the package as it is published, and the API behind it. */
async function proxy(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = '', method, headers } = request
  if (url === '/page/') return void response.setHeader('content-type', 'text/html').end('<!doctype html>')
  if (url.startsWith('/page/')) {
    const script = await readFile(join(built.folder, url.slice('/page/'.length)))
    return void response.setHeader('content-type', 'text/javascript').end(script)
  }
  const onward = requestTo(`${harbour.url}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    void pipeline(answer, response)
  })
  await pipeline(request, onward)
}

/** A page with the package as `window.lading`. */
async function openPage(origin: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(`${origin}/page/`)
  const content = `import * as lading from '/page/browser.js'; window.lading = lading`
  await page.addScriptTag({ type: 'module', content })
  await page.waitForFunction('window.lading')
  return page
}

/** What runs in the page. */
async function logAndFetch({ text, secure }: { text: string; secure: boolean }) {
  if (window.isSecureContext !== secure) throw new Error(`secure: ${window.isSecureContext}`)
  const api = (window as unknown as { lading: { connect: typeof connect } }).lading
  const url = location.origin
  const lading = api.connect({ url, tenant: 'acme-corp', resumableFrom: 1000, pieceBytes: 400 })
  const run = await lading.startRun({ experiment: `in a browser ${Math.random()}` })
  const uploads = [
    await run.logArtifact('small.txt', new File([text.slice(0, 100)], 'small.txt')),
    await run.logArtifact('large.txt', new File([text], 'large.txt')),
    await run.logArtifacts([{ path: 'a.txt', bytes: new File(['of a form'], 'a.txt') }], { directory: 'd' }),
  ]
  for (const upload of uploads) await upload.delivered()
  const refusal: unknown = await run.logText('../out', '').catch((error: unknown) => `${error}`)
  const back = await (await run.blob('large.txt')).text()
  return { runId: run.id, back, refusal }
}

test.each([
  { host: '127.0.0.1', secure: true },
  // A page without https has no Web Crypto, and no randomUUID.
  { host: 'lading.test', secure: false },
])('a browser logs files at $host, a large one in pieces, and gets it back', async ({ host, secure }) => {
  const url = await smallServer((request, response) => void proxy(request, response))
  const page = await openPage(url.replace('127.0.0.1', host))
  const text = randomBytes(1000).toString('hex')
  const { runId, back, refusal } = await page.evaluate(logAndFetch, { text, secure })
  expect(back).toBe(text)
  expect(refusal).toContain('path_invalid')
  const listed = await harbour.system.client.list(runId)
  expect([...listed.keys()].sort()).toEqual(['d/a.txt', 'large.txt', 'small.txt'])
  expect(listed.get('large.txt')?.size).toBe(2000)
})
