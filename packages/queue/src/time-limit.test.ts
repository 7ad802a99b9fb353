import { LadingError } from '@lading/protocol'
import { expect, it } from 'vitest'
import { withinLimit } from './time-limit.ts'

it('gives what the work gives', async () => {
  expect(await withinLimit(10_000, 'it failed', async () => 7)).toBe(7)
})

it('says queue_unavailable, with the limit, when the work does not end', async () => {
  const error = await withinLimit(10, 'tickets could not be added', () => new Promise(() => undefined)).catch(
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(LadingError)
  expect(error).toMatchObject({ code: 'queue_unavailable', detail: expect.stringContaining('10 ms') })
})

it('says queue_unavailable, with the cause, when the work fails', async () => {
  const cause = new Error('connect ECONNREFUSED')
  const error = await withinLimit(10_000, 'it failed', () => Promise.reject(cause)).catch((e) => e)
  expect(error).toMatchObject({ code: 'queue_unavailable', cause })
})

it('takes a failure that comes after the limit quietly', async () => {
  const work = Promise.withResolvers<void>()
  await expect(withinLimit(1, 'it failed', () => work.promise)).rejects.toThrow('1 ms')
  work.reject(new Error('late'))
  // An unhandled rejection would fail the run.
  await new Promise((resolve) => setImmediate(resolve))
})
