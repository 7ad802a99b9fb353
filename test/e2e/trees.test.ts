import { join } from 'node:path'
import type { AcceptedResponse } from '@lading/protocol'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { oddTree, type SourceTree } from '../../apps/api/src/fixtures/source-tree.ts'
import { archiver } from '../support/archivers.ts'
import { smallFiles, tarOf } from '../support/generated-tar.ts'
import { TEST_LIMIT } from '../support/patience.ts'
import { type System, startSystem } from '../support/system.ts'
import { type Content, content } from '../support/system-content.ts'
import { upload } from '../support/system-upload.ts'
import { sharedServers } from './shared-servers.ts'
import { shell } from './shell.ts'
import { showLogsOnFailure } from './show-logs.ts'
import { digestOfAll, type Inventory, inventoryOfArchive, inventoryOfFolder } from './trees/inventory.ts'
import { PACKERS } from './trees/packers.ts'

const NODE_MODULES = join(import.meta.dirname, '../../node_modules')
const MIB = 2 ** 20
/** `LADING_TEST_LONG=1` takes the sizes that a directory may really have; minutes instead of seconds. */
const LONG = process.env.LADING_TEST_LONG === '1'
const SMALL_FILES = LONG ? 100_000 : 5_000
const LARGE_BYTES = (LONG ? 2048 : 256) * MIB

interface Sent {
  readonly path: string
  readonly file: Content
}

/** A zip tells times in steps of two seconds to a reader that knows only DOS's. */
const FORMATS = [
  ['tar', 1000],
  ['tar.gz', 1000],
  ['zip', 2000],
] as const

describe('A tree', TEST_LIMIT, () => {
  let system: System
  let odd: SourceTree
  beforeAll(async () => {
    odd = oddTree()
    system = await startSystem({ queue: 'redis', store: 's3', workers: 2, servers: sharedServers() })
  })
  afterAll(async () => {
    odd[Symbol.dispose]()
    await system.stop()
  })
  beforeEach(({ onTestFailed }) => showLogsOnFailure(system, onTestFailed))

  const variables = (run: string) => ({ RUN: run, LADING: system.apis[0]?.url ?? '', TZ: 'UTC' })
  const send = (run: string, folder: string, make: string, type: string) =>
    shell(
      `(${make}) | curl -T - -X POST -H 'Content-Type: ${type}' -H 'X-Tenant-ID: acme-corp' \\
        "$LADING/api/v1/experiments/runs/$RUN/log-artifacts?artifact_path=in"`,
      folder,
      variables(run),
    )
  const delivered = async (receipt: string) => {
    const { job_id } = JSON.parse(receipt) as AcceptedResponse
    expect(await system.client.waitJob(job_id)).toMatchObject({ state: 'completed' })
  }
  const back = (run: string, form: string, step: number): Promise<Inventory> =>
    inventoryOfArchive(
      `curl -H 'X-Tenant-ID: acme-corp' "$LADING/api/v1/experiments/runs/$RUN/artifacts/in?archive=${form}"`,
      variables(run),
      { step },
    )

  test.each(Object.entries(PACKERS))(
    'of odd names, packed by %s, comes back as tar, tar.gz and zip: bytes, modes, times, empty directories',
    async (_packer, { type, command }) => {
      const { run_id } = await system.client.createRun()
      await delivered(await send(run_id, odd.folder, command, type))
      for (const [form, step] of FORMATS) {
        expect(await back(run_id, form, step)).toEqual(inventoryOfFolder(odd.folder, { step }))
      }
    },
  )

  test('with links is refused by the name of one; with what they point at it comes back whole: all of node_modules', async () => {
    const { run_id } = await system.client.createRun()
    // Tests beside this one write to folders with a dot; what is linked in @lading is the source of this repository.
    const wanted = (name: string) => name === '.bin' || !/^(\.|@lading$)/.test(name)
    const pack = (flags: string) =>
      `"${archiver('tar')}" c ${flags} --exclude='./@lading' --exclude='./.[!b]*' -C "${NODE_MODULES}" .`
    await expect(send(run_id, '.', pack(''), 'application/x-tar')).rejects.toThrow(
      /archive_entry_refused.*\/\.bin\/.* is a symbolic link/,
    )
    await expect(send(run_id, '.', pack('-h'), 'application/x-tar')).rejects.toThrow(
      /archive_entry_refused.* is a hard link: pack with --hard-dereference/,
    )
    await delivered(await send(run_id, '.', pack('-h --hard-dereference'), 'application/x-tar'))
    const expected = inventoryOfFolder(NODE_MODULES, { wanted })
    expect(expected.size).toBeGreaterThan(10_000)
    expect(digestOfAll(await back(run_id, 'tar', 1000))).toBe(digestOfAll(expected))
  })

  test.each<readonly [what: string, files: () => Iterable<Sent>]>([
    [`of ${SMALL_FILES} files of 0 to 4 KiB`, () => smallFiles(SMALL_FILES, 4096)],
    [
      `with one file of ${LARGE_BYTES / MIB} MiB among small ones`,
      function* () {
        yield* smallFiles(300, 4096)
        yield { path: 'weights.safetensors', file: content(LARGE_BYTES) }
        yield* [{ path: 'after.json', file: content(2) }]
      },
    ],
  ])('%s comes back as it was', async (_what, files) => {
    const { run_id } = await system.client.createRun()
    const url = system.client.address(`/api/v1/experiments/runs/${run_id}/log-artifacts?artifact_path=in`)
    const headers = { 'content-type': 'application/x-tar', 'x-tenant-id': 'acme-corp' }
    const { status, body } = await upload({ method: 'POST', url, headers, body: tarOf(files()) })
    expect([status, body]).toMatchObject([202, { job_id: expect.any(String) }])
    await delivered(JSON.stringify(body))
    const sent = new Map([...files()].map(({ path, file }) => [path, file.sha256]))
    const found = await back(run_id, 'tar', 1000)
    const digests = new Map([...found].map(([path, told]) => [path, told.slice(0, 64)]))
    expect(digestOfAll(digests)).toBe(digestOfAll(new Map([...sent].sort(byPath))))
  })

  test('leaves nothing over, and store and catalog agree', async () => {
    expect((await system.audit()).artifacts).toBeGreaterThan(10_000 + SMALL_FILES)
  })
})

function byPath([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
