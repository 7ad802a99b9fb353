import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { lading } from './fixtures/lading-process.ts'
import { scratchDirectory } from './fixtures/scratch-directory.ts'

test('asked for help, it names its commands, where settings are listed, and its exit codes', async () => {
  const { code, out } = await lading(['--help']).ended
  expect(code).toBe(0)
  for (const word of ['up', 'api', 'worker', 'migrate', 'verify', 'gc', 'docs/settings.md', 'Exit codes']) {
    expect(out).toContain(word)
  }
})

test('each of its commands explains itself', async () => {
  const { code, out } = await lading(['migrate', '--help']).ended
  expect(code).toBe(0)
  expect(out).toContain('Usage: lading migrate')
  expect(out).toContain('--down')
})

test.each([
  [[], 'Usage: lading'],
  [['upp'], "unknown command 'upp'"],
  [['up', '--verbose'], "unknown option '--verbose'"],
  [['api', 'now'], 'too many arguments'],
])('arguments that mean nothing (%j) end it with 2 and a sentence', async (args, sentence) => {
  const { code, err } = await lading(args).ended
  expect(code).toBe(2)
  expect(err).toContain(sentence)
})

test('settings that are not valid end it with 2, and all of them are named', async () => {
  const { code, err, out } = await lading(['up'], { LADING_PORT: 'http', LADING_SLTS: '4' }).ended
  expect(code).toBe(2)
  expect(out).toBe('')
  expect(err).toContain('LADING_PORT: "http" must be a TCP port')
  expect(err).toContain('LADING_SLTS: there is no such setting; did you mean LADING_SLOTS?')
  expect(err).not.toContain('    at ')
})

test('only "up" brings a database of its own; the others say that they want one', async () => {
  const commands = ['api', 'worker', 'migrate']
  const ends = await Promise.all(commands.map((command) => lading([command]).ended))
  for (const [index, command] of commands.entries()) {
    expect(ends[index]?.code, command).toBe(2)
    expect(ends[index]?.err).toContain(`DATABASE_URL: must be set for "lading ${command}"`)
  }
})

test('what looks after stored things makes no database where nothing was stored', async () => {
  const folder = scratchDirectory()
  for (const command of ['verify', 'gc']) {
    const { code, err } = await lading([command], { LADING_DATA_DIR: folder }).ended
    expect(code, command).toBe(2)
    expect(err).toContain(`LADING_DATA_DIR: ${folder} has no data of \`lading up\``)
  }
  expect(readdirSync(folder)).toEqual([])
})

test('what fails ends it with 1 and a sentence, not with a stack', async () => {
  const { code, err } = await lading(['migrate'], { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
    .ended
  expect(code).toBe(1)
  expect(err).toMatch(/^lading: .*127\.0\.0\.1:1/m)
  expect(err).not.toContain('    at ')
})

test('a port that is taken ends the worker with 1', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, err } = await lading(['worker'], {
    DATABASE_URL: await freshDatabase(),
    LADING_DATA_DIR: scratchDirectory(),
    LADING_OPS_PORT: String(port),
  }).ended
  other.close()
  expect(code).toBe(1)
  expect(err).toContain(`EADDRINUSE: address already in use 127.0.0.1:${port}`)
})

test('the schema is brought up to date once, and taken back when asked', async () => {
  const settings = { DATABASE_URL: await freshDatabase() }
  const first = await lading(['migrate'], settings).ended
  expect(first.code).toBe(0)
  expect(first.out).toMatch(/^applied: 0001-catalog/)
  expect((await lading(['migrate'], settings).ended).out).toContain('nothing to do')
  expect((await lading(['migrate', '--down'], settings).ended).out).toMatch(/^taken back: .*0001-catalog/)
  expect((await lading(['migrate'], settings).ended).out).toMatch(/^applied: 0001-catalog/)
})
