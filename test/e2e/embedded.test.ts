import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { audit } from '../support/system-audit.ts'
import { LadingClient } from '../support/system-client.ts'
import { content, textContent } from '../support/system-content.ts'
import { type LadingProcess, startLading } from '../support/system-process.ts'
import { directoryFromOutside } from '../support/system-store.ts'

/** Nothing but what the machine of a test needs: a port that is free, and work that a killed process leaves sooner. */
const SETTINGS = { LADING_PORT: '0', LADING_LEASE: '3s' }

describe('`lading up` in an empty directory', TEST_LIMIT, () => {
  let folder: string
  let lading: LadingProcess
  const start = async () => {
    lading = await startLading({ name: 'lading up', args: ['up'], cwd: folder, env: SETTINGS })
    await until(() => lading.lines.some((line) => line.includes('recursive=true')), WITHIN)
  }
  const client = new LadingClient(() => [lading.url], 'acme-corp')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lading-embedded-'))
    await start()
  })

  afterAll(async () => {
    await lading?.kill('SIGTERM')
    await killPostgresOf(folder)
    await rm(folder, { recursive: true, force: true })
  })

  test('prints commands that work as they are pasted', async () => {
    const { upload, list } = pasted(lading.lines)
    const receipt = JSON.parse(await sh(upload, folder))
    expect(receipt).toMatchObject({ message: 'Artifact accepted', artifact: 'models/model.pkl' })
    const listed = await until(async () => {
      const { artifacts } = JSON.parse(await sh(list, folder))
      return artifacts.length > 0 && artifacts
    }, WITHIN)
    const { size, sha256 } = textContent('a model\n')
    expect(listed).toMatchObject([{ path: 'models/model.pkl', type: 'model', size, sha256 }])
    expect((await readdir(folder)).sort()).toEqual(['.lading', 'model.pkl'])
  })

  test('keeps its data over a stop', async () => {
    const { run_id: run } = await client.createRun()
    const file = content(20_000_000, 'kept')
    await client.put(run, 'model.pt', file, { prefer: 'wait=60' })
    const before = await client.list(run)
    await lading.kill('SIGTERM')
    await start()
    expect(await client.list(run)).toEqual(before)
    expect(await client.get(run, 'model.pt')).toMatchObject({ status: 200, sha256: file.sha256 })
  })

  test('delivers after a kill what it accepted before', async () => {
    const { run_id: run } = await client.createRun()
    const files = [1, 2, 3, 4].map((n) => content(n * 10_000_000, `killed ${n}`))
    const receipts = await Promise.all(files.map((file) => client.put(run, `${file.size}.bin`, file)))
    await lading.kill('SIGKILL')
    await start()
    for (const { body } of receipts)
      expect(await client.waitJob(body.job_id)).toMatchObject({ state: 'completed' })
    for (const file of files)
      expect(await client.get(run, `${file.size}.bin`)).toMatchObject({ sha256: file.sha256 })
  })

  test('leaves nothing over', async () => {
    const report = await audit({
      databaseUrl: await databaseUrl(folder),
      spoolDirectory: join(folder, '.lading', 'spool'),
      store: directoryFromOutside(join(folder, '.lading', 'objects'), 'matih-artifacts'),
    })
    expect(report).toMatchObject({ artifacts: 6, jobs: { completed: 6 } })
  })
})

/** What stands between "Try it" and the next empty line, as a person copies it; the last command is for a moment later. */
function pasted(lines: readonly string[]): { upload: string; list: string } {
  const from = lines.findIndex((line) => line.startsWith('Try it')) + 2
  const commands = lines.slice(from, lines.indexOf('', from))
  const run = commands.find((line) => line.trim().startsWith('RUN='))
  return {
    upload: commands.slice(0, -1).join('\n'),
    list: [run, commands.at(-1)].join('\n'),
  }
}

async function sh(script: string, cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-e', '-c', script], { cwd })
  return stdout
}

/** https://www.postgresql.org/docs/current/storage-file-layout.html: the file's first line is the server's id, the fourth its port. */
async function serverOf(folder: string): Promise<string[]> {
  const file = join(folder, '.lading', 'postgres', 'postmaster.pid')
  return (await readFile(file, 'utf8').catch(() => '')).split('\n')
}

async function databaseUrl(folder: string): Promise<string> {
  const password = await readFile(join(folder, '.lading', 'postgres.password'), 'utf8')
  return `postgres://lading:${password.trim()}@127.0.0.1:${(await serverOf(folder))[3]}/postgres`
}

/** A test that failed between a kill and the next start leaves the server of the killed process behind. */
async function killPostgresOf(folder: string): Promise<void> {
  const pid = Number((await serverOf(folder))[0])
  if (pid > 0) process.kill(pid, 'SIGKILL')
}
