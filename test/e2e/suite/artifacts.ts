import { expect, test } from 'vitest'
import { WITHIN } from '../../support/patience.ts'
import { content, sha256OfRange, textContent } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

const WAIT = { prefer: 'wait=60' }

export function testArtifacts(given: Given): void {
  test('a range of a file in many parts is exactly those bytes', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = content(20 * 1024 * 1024 + 7, 'ranges')
    await client.put(run, 'big.bin', file, WAIT)
    const end = file.size - 1
    for (const [range, first, last] of [
      ['bytes=0-0', 0, 0],
      ['bytes=8388600-8388615', 8_388_600, 8_388_615],
      ['bytes=16777216-', 16_777_216, end],
      ['bytes=-5', end - 4, end],
    ] as const) {
      const part = await client.get(run, 'big.bin', { range })
      expect(part).toMatchObject({
        status: 206,
        size: last - first + 1,
        sha256: sha256OfRange(file, first, last),
      })
      expect(part.headers.get('content-range')).toBe(`bytes ${first}-${last}/${file.size}`)
    }
    expect(await client.get(run, 'big.bin', { range: `bytes=${file.size}-` })).toMatchObject({ status: 416 })
  })

  test('a client that has the file is told so', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = textContent('same')
    await client.put(run, 'a.txt', file, WAIT)
    const whole = await client.get(run, 'a.txt')
    const etag = whole.headers.get('etag') ?? ''
    expect(etag).toBe(`"${file.sha256}"`)
    expect(whole.headers.get('repr-digest')).toBe(
      `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    )
    expect(await client.get(run, 'a.txt', { 'if-none-match': etag })).toMatchObject({ status: 304 })
  })

  test('a newer file takes the place of the one before it', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    for (const size of [3, 12 * 1024 * 1024, 9 * 1024 * 1024, 5]) {
      const file = content(size, `version of ${size}`)
      expect(await client.put(run, 'models/best.pt', file, WAIT)).toMatchObject({ status: 201 })
      expect(await client.get(run, 'models/best.pt')).toMatchObject({ size, sha256: file.sha256 })
    }
    expect((await client.list(run)).size).toBe(1)
  })

  test('a deleted artifact is gone at once, and its object soon', async () => {
    const { client, store } = given()
    const { run_id: run, artifact_uri } = await client.createRun()
    await client.put(run, 'a/b.txt', content(10), WAIT)
    await client.put(run, 'a/c.txt', content(11), WAIT)
    expect(await client.delete(run, 'a/b.txt')).toMatchObject({ status: 204 })
    expect(await client.get(run, 'a/b.txt')).toMatchObject({ status: 404 })
    expect([...(await client.list(run)).keys()]).toEqual(['a/c.txt'])
    expect(await client.delete(run, 'a/b.txt')).toMatchObject({ status: 404 })
    const key = artifact_uri.slice(given().bucketUri.length)
    await expect
      .poll(async () => (await store.keys()).filter((found) => found.startsWith(key)), {
        timeout: WITHIN.within,
      })
      .toEqual([`${key}a/c.txt`])
    const anew = content(12)
    await client.put(run, 'a/b.txt', anew, WAIT)
    expect(await client.get(run, 'a/b.txt')).toMatchObject({ status: 200, sha256: anew.sha256 })
  })

  test('a level of the run shows its files and its directories, page by page', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const names = ['a.txt', 'd/1.txt', 'd/2.txt', 'd/e/3.txt', 'z.txt']
    await client.logArtifact(
      run,
      names.map((name) => ({ name, file: textContent(name) })),
      WAIT,
    )
    const first = await client.listPage(run, 'limit=2')
    expect(first.artifacts).toMatchObject([
      { path: 'a.txt', is_dir: false },
      { path: 'd', is_dir: true },
    ])
    const second = await client.listPage(run, `limit=2&cursor=${encodeURIComponent(first.next_cursor ?? '')}`)
    expect(second).toMatchObject({ artifacts: [{ path: 'z.txt' }], next_cursor: null })
    expect((await client.listPage(run, 'path=d')).artifacts.map(({ path }) => path)).toEqual([
      'd/1.txt',
      'd/2.txt',
      'd/e',
    ])
  })
}
