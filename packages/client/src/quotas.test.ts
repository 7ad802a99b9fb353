import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesOf, type ClientOfSystem, startWithClient } from './fixtures/client-of-system.ts'

let harbour: ClientOfSystem

beforeAll(async () => {
  harbour = await startWithClient()
})

afterAll(() => harbour?.system.stop())

/** Of a tenant that may have so much, the answers that a client of it gets to its uploads. */
async function tenantWith(tenant: string, ...quota: readonly string[]) {
  await harbour.system.run('quotas', 'set', '--tenant', tenant, ...quota)
  const answers: { status: number; retryAfterMs: number; at: number }[] = []
  const noting: typeof fetch = async (input, init) => {
    const at = performance.now()
    const answer = await fetch(input, init)
    const retryAfterMs = Number(answer.headers.get('retry-after')) * 1000
    if (init?.method === 'PUT') answers.push({ status: answer.status, retryAfterMs, at })
    return answer
  }
  return { run: await harbour.run({ tenant, fetch: noting }), answers }
}

test('what the quota has no room for fails at once, and says what is used and allowed', async () => {
  const { run, answers } = await tenantWith('full', '--bytes', '100')
  await run.logBytes('a', new Uint8Array(60))
  await expect(run.logBytes('b', new Uint8Array(41))).rejects.toMatchObject({
    code: 'quota_exceeded',
    status: 403,
    retryable: false,
    quota: { of: 'bytes', used: 60, allowed: 100, asked: 41 },
  })
  expect(answers.map(({ status }) => status)).toEqual([202, 403])
})

test('a client that sends more than its rate comes back when the server says, and all of it arrives', async () => {
  const { run, answers } = await tenantWith('hasty', '--byte-rate', '100')
  const first = await run.logBytes('first', new Uint8Array(1_100))
  const second = await run.logBytes('second', new Uint8Array(7))
  expect(answers.map(({ status }) => status)).toEqual([202, 429, 202])
  const [, refused, again] = answers
  expect(refused?.retryAfterMs).toBeGreaterThanOrEqual(1000)
  expect((again?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(refused?.retryAfterMs ?? 0)
  for (const upload of [first, second]) await upload.delivered()
  expect(await bytesOf(run, 'second')).toHaveLength(7)
})
