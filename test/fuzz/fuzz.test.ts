import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { corpusOf, keep } from './corpus.ts'
import { PARSERS } from './parsers.ts'
import { plan, TARGETS } from './plan.ts'
import { FuzzedServer } from './server.ts'
import type { Target } from './target.ts'

let server: FuzzedServer

beforeAll(async () => {
  server = await FuzzedServer.start()
})

afterAll(() => server[Symbol.asyncDispose]())

describe.each(TARGETS)('what %s is sent', (name) => {
  const target = (): Target => find(name)

  test('does no harm, where it once did', async () => {
    for (const { file, input } of corpusOf(name)) {
      await target()
        .check(input)
        .catch((error: unknown) => expect.fail(`corpus/${name}/${file}: ${String(error)}`))
    }
  })

  test(
    'is taken or refused: no crash, no hang, no fault of the server, nothing left',
    async () => {
      const { seed, runs, milliseconds, lastInput, keepsFailures } = plan(name)
      const { inputs, check } = target()
      const property = fc.asyncProperty(inputs, async (input) => {
        if (lastInput !== undefined) writeFileSync(lastInput, input)
        await check(input)
      })
      const plugins = milliseconds === undefined ? [] : [fc.interruptAfterTimeLimit(milliseconds)]
      const details = await fc.check(property, { seed, numRuns: runs, plugins })
      if (milliseconds !== undefined) console.log(`${name}: ${details.numRuns} inputs`)
      if (!details.failed) return
      const input = (details.counterexample as [Buffer])[0]
      const where = keepsFailures ? keep(name, input) : 'nowhere: it can be had again by the seed'
      expect.fail(
        `seed ${seed}, kept ${where}: ${JSON.stringify(input.toString('latin1'))}\n${String(details.errorInstance)}`,
      )
    },
    plan(name).timeout,
  )
})

function find(name: string): Target {
  const target = [...PARSERS, ...server.targets].find((one) => one.name === name)
  if (target === undefined) throw new Error(`nothing is called ${name}`)
  return target
}
