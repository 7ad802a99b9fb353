import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { locateBinaries } from './postgres-binaries.ts'
import { account, chooseRunner, firstThatReaches } from './postgres-runner.ts'

const NOBODY = { uid: 65534, gid: 65534 }

test('the binaries of this platform are found', async () => {
  const { initdb, postgres } = await locateBinaries()
  await Promise.all([access(initdb), access(postgres)])
})

test('a user who cannot enter the folder is not given the server, and the refusal says what to do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-runner-'))
  const choice = firstThatReaches([account(NOBODY)], join(folder, 'postgres'), await locateBinaries())
  await expect(choice).rejects.toMatchObject({
    code: 'catalog_unavailable',
    detail: expect.stringMatching(/set DATABASE_URL .* run Lading as another user, or move/),
  })
  await rm(folder, { recursive: true })
})

test('the server never sees the environment of the one who starts it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-runner-'))
  process.env.PGOPTIONS = '-c fsync=off'
  const runner = await chooseRunner(join(folder, 'postgres'), await locateBinaries())
  const child = runner.spawn('/usr/bin/env', [], { stdio: ['ignore', 'pipe', 'inherit'] })
  delete process.env.PGOPTIONS
  expect(String(await child.stdout?.toArray())).not.toContain('PGOPTIONS')
  await rm(folder, { recursive: true })
})
