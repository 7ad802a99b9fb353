import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lading } from '../../apps/lading/src/fixtures/lading-process.ts'
import { until } from '../support/deadline.ts'
import { TEST_LIMIT, WITHIN } from '../support/patience.ts'
import { startLading } from '../support/system-process.ts'

const SETTINGS = { LADING_PORT: '0', LADING_AUTH: 'api-key' }

test('commands beside `lading up` use its database, and after it their own', TEST_LIMIT, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-embedded-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startLading({ name: 'lading up', args: ['up'], cwd: folder, env: SETTINGS })
  onTestFinished(async () => void (await server.kill('SIGTERM')))
  await until(() => server.lines.some((line) => line.includes('recursive=true')), WITHIN)

  const settings = { LADING_DATA_DIR: join(folder, '.lading') }
  const run = async (...args: string[]) => {
    const { code, out, err } = await lading(args, settings).ended
    expect(code, err).toBe(0)
    return out
  }
  const { key } = JSON.parse(await run('keys', 'create', '--tenant', 'acme', '--name', 'trainer', '--json'))
  const statusWith = async (headers: Record<string, string>) =>
    (await fetch(`${server.url}/api/v1/experiments`, { headers })).status
  expect(await statusWith({ authorization: `Bearer ${key}` })).toBe(200)
  expect(await statusWith({ 'x-tenant-id': 'acme' })).toBe(401)
  expect(await run('verify')).toContain('0 rotted')
  await run('gc')

  await server.kill('SIGTERM')
  expect(await run('keys', 'list')).toContain('trainer')
})
