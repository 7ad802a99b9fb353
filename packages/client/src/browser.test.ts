import { randomBytes } from 'node:crypto'
import { type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser } from '../../../test/support/browser.ts'
import { buildPackage } from './fixtures/built-package.ts'
import { type ClientOfSystem, startWithClient } from './fixtures/client-of-system.ts'
import { logAndFetch, openPage, servePage } from './fixtures/page-with-client.ts'
import { smallServer } from './fixtures/small-server.ts'

let harbour: ClientOfSystem
let browser: Browser
let built: Awaited<ReturnType<typeof buildPackage>>

beforeAll(async () => {
  built = await buildPackage()
  harbour = await startWithClient()
  browser = await startBrowser()
})

afterAll(async () => {
  await browser?.close()
  await harbour?.system.stop()
  await built?.[Symbol.asyncDispose]()
})

/** One origin for the page, the package as it is published, and the API behind it. */
async function proxy(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (await servePage(built.folder, request, response)) return
  const { url = '', method, headers } = request
  const onward = requestTo(`${harbour.url}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    void pipeline(answer, response)
  })
  await pipeline(request, onward)
}

test.each([
  { host: '127.0.0.1', secure: true },
  // A page without https has no Web Crypto, and no randomUUID.
  { host: 'lading.test', secure: false },
])('a browser logs files at $host, a large one in pieces, and gets it back', async ({ host, secure }) => {
  const server = await smallServer((request, response) => void proxy(request, response))
  const url = server.replace('127.0.0.1', host)
  const page = await openPage(browser, url)
  expect(await page.evaluate('isSecureContext')).toBe(secure)
  const text = randomBytes(1000).toString('hex')
  const { runId, back, refusal } = await page.evaluate(logAndFetch, { url, text })
  expect(back).toBe(text)
  expect(refusal).toContain('path_invalid')
  const listed = await harbour.system.client.list(runId)
  expect([...listed.keys()].sort()).toEqual(['d/a.txt', 'large.txt', 'small.txt'])
  expect(listed.get('large.txt')?.size).toBe(2000)
})
