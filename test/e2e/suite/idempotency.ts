import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { content } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

export function testIdempotency(given: Given): void {
  test('the same request with the same key is accepted once, and answered alike', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const send = (seed: string, key: string) =>
      client.put(run, 'model.pkl', content(100_000, seed), { 'idempotency-key': key, prefer: 'wait=60' })
    const key = randomUUID()
    const first = await send('a', key)
    const again = await send('a', key)
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(await send('b', key)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect((await client.jobs(`run_id=${run}`)).jobs).toHaveLength(1)
    // Another tenant's key is another key.
    const other = client.as('other-corp')
    const { run_id: theirs } = await other.createRun()
    const put = await other.put(theirs, 'x', content(10), { 'idempotency-key': key })
    expect(put.headers['idempotency-replayed']).toBeUndefined()
  })

  test('one key used by many requests at the same time brings one job', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const headers = { 'idempotency-key': randomUUID() }
    const file = content(2 * 1024 * 1024, 'at once')
    const send = () =>
      until(async () => {
        const answer = await client.put(run, 'model.pkl', file, headers)
        if (answer.status === 409) expect(answer.body.code).toBe('idempotency_key_in_flight')
        else expect(answer).toMatchObject({ status: 202 })
        return answer.status === 202 && answer.body
      }, WITHIN)
    const answers = await Promise.all(Array.from({ length: 8 }, send))
    expect(new Set(answers.map((body) => body.job_id)).size).toBe(1)
    expect((await client.jobs(`run_id=${run}`)).jobs).toHaveLength(1)
  })
}
