import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'

const ROOT = resolve(import.meta.dirname, '../..')

test('`npm start` that is told to stop leaves no server behind', TEST_LIMIT, async ({ onTestFinished }) => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-npm-start-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const env = { ...process.env, LADING_PORT: '0', LADING_DATA_DIR: folder }
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const group = -(npm.pid ?? 0)
  onTestFinished(() => killIfThere(group))
  const ended = once(npm, 'exit')
  let url = ''
  for await (const line of createInterface(npm.stdout)) {
    url = /listening on (http:\S+)/.exec(line)?.[1] ?? ''
    if (url !== '') break
  }
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  // To npm alone, as a supervisor does; a terminal would tell all of them.
  npm.kill('SIGTERM')
  await ended
  const answers = () => fetch(`${url}/healthz`).catch(() => undefined)
  await until(async () => (await answers()) === undefined, WITHIN)
  await until(async () => !(await readdir(join(folder, 'postgres'))).includes('postmaster.pid'), WITHIN)
})

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended, as it should.
  }
}
