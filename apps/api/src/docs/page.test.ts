import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBrowser } from '../../../../test/support/browser.ts'
import { ApiUnderTest } from '../fixtures/api-under-test.ts'

let server: ApiUnderTest
let browser: Browser

beforeAll(async () => {
  server = await ApiUnderTest.start()
  browser = await startBrowser()
})

afterAll(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
})

test('in a browser, the page of the document shows every operation, and its policy has nothing to forbid', async () => {
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${server.url}/docs`)
  const { paths } = (await server.json('/openapi.json')) as { paths: Record<string, object> }
  const operations = Object.values(paths).flatMap((path) => Object.keys(path)).length
  await page.waitForFunction(`document.querySelectorAll('.opblock').length === ${operations}`)
  await page.click('#operations-Service-health .opblock-summary-control')
  await page.click('#operations-Service-health .try-out__btn')
  await page.click('#operations-Service-health .execute')
  await page.waitForSelector(
    '#operations-Service-health .live-responses-table .response-col_status >> text=200',
  )
  expect(complaints).toEqual([])
})

test('in a browser, a script that somebody slips into that page does not run', async () => {
  const page = await browser.newPage()
  await page.goto(`${server.url}/docs`)
  await page.evaluate(`
    document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = true">')
    const script = document.createElement('script')
    script.textContent = 'window.ran = true'
    document.body.append(script)
  `)
  // The image fails before this one loads.
  await page.evaluate(`new Promise((loaded) => {
    const image = new Image()
    image.onload = loaded
    image.src = '/docs/favicon-32x32.png'
  })`)
  expect(await page.evaluate('window.ran')).toBeUndefined()
})

test.each(['page.html', 'plot.svg', 'feed.xml', 'lib.js', 'paper.pdf'])(
  'in a browser, the artifact %s is saved and not shown',
  async (name) => {
    const { path } = await server.run()
    await server.fetch(`${path}/artifacts/${name}`, { method: 'PUT', body: '<script>alert(1)</script>' })
    await server.deliver()
    const page = await browser.newPage()
    const saved = page.waitForEvent('download')
    await page.goto(`${server.url}${path}/artifacts/${name}`).catch(() => undefined)
    expect((await saved).suggestedFilename()).toBe(name)
    expect(page.url()).toBe('about:blank')
  },
)
