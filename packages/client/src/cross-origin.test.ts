import { randomBytes, randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { startBrowser } from '../../../test/support/browser.ts'
import { buildPackage } from './fixtures/built-package.ts'
import { startWithClient } from './fixtures/client-of-system.ts'
import { logAndFetch, openPage, sendForm, servePage } from './fixtures/page-with-client.ts'
import { smallServer } from './fixtures/small-server.ts'

test('a page of an origin that the server lists uses it from a browser, and a page of another cannot', async () => {
  const built = await buildPackage()
  onTestFinished(() => built[Symbol.asyncDispose]())
  const listed = await smallServer((request, response) => void servePage(built.folder, request, response))
  const { system, url } = await startWithClient({ LADING_CORS_ORIGINS: listed })
  onTestFinished(() => system.stop())
  const browser = await startBrowser()
  onTestFinished(() => browser.close())

  const text = randomBytes(1000).toString('hex')
  const page = await openPage(browser, listed)
  const { back, refusal } = await page.evaluate(logAndFetch, { url, text })
  expect(back).toBe(text)
  expect(refusal).toContain('path_invalid')

  const other = await openPage(browser, listed.replace('127.0.0.1', 'lading.test'))
  await expect(other.evaluate(logAndFetch, { url, text })).rejects.toThrow('Failed to fetch')
  // Nor can it send a form, for which its browser asks nobody.
  const address = `${url}/api/v1/experiments/runs/${randomUUID()}/log-artifact`
  const [answer] = await Promise.all([other.waitForResponse(address), other.evaluate(sendForm, address)])
  expect([answer.status(), await answer.json()]).toMatchObject([403, { code: 'origin_not_allowed' }])
})
