import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { AcceptedResponse, JobResponse } from '@lading/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { textContent } from '../../support/system-content.ts'
import { shell } from '../shell.ts'
import type { Given } from '../suite.ts'

/** A tree of some hundred files as they come, which every checkout has. */
const REAL_TREE = join(import.meta.dirname, '../../../node_modules/knex')

const ODD_NAMES = [
  'with space.txt',
  '-dash',
  '.hidden',
  'caf\u00e9.txt',
  'cafe\u0301.txt',
  '日本語/ファイル.json',
  `${'long'.repeat(63)}.md`,
  "it's & so = on, a+b@c~!.csv",
  'percent%20literal',
]

export function testDirectories(given: Given): void {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lading-tree-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const variables = (run: string) => ({ RUN: run, LADING: given().apis[0]?.url ?? '' })
  const jobOf = async (receipt: string): Promise<JobResponse> =>
    await given().client.waitJob((JSON.parse(receipt) as AcceptedResponse).job_id)

  test('the tar of the README logs a directory, which comes back the same', async () => {
    const { client } = given()
    const { run_id: RUN } = await client.createRun()
    const sh = (command: string) => shell(command, folder, { ...variables(RUN), TREE: REAL_TREE })
    const receipt =
      await sh(`tar c -C "$TREE" . | curl -T - -H 'Content-Type: application/x-tar' -H 'X-Tenant-ID: acme-corp' -X POST \\
      "$LADING/api/v1/experiments/runs/$RUN/log-artifacts?artifact_path=evaluation"`)
    expect(await jobOf(receipt)).toMatchObject({ state: 'completed', atomic: true })
    const sent = await digests(REAL_TREE)
    const listed = new Map([...(await client.list(RUN))].map(([path, file]) => [path, file.sha256]))
    expect(listed).toEqual(new Map([...sent].map(([path, digest]) => [`evaluation/${path}`, digest])))
    for (const [form, unpack] of [
      ['tar', 'tar x'],
      ['tar.gz', 'tar xz'],
      ['zip', 'cat > t.zip && unzip -q t.zip && rm t.zip'],
    ]) {
      await mkdir(join(folder, `back.${form}`))
      await sh(`cd back.${form} && curl -H 'X-Tenant-ID: acme-corp' \\
        "$LADING/api/v1/experiments/runs/$RUN/artifacts/evaluation?archive=${form}" | (${unpack})`)
      expect(await digests(join(folder, `back.${form}`))).toEqual(sent)
    }
  })

  test.each(['application/gzip', 'application/zstd', 'application/zip'])(
    '%s brings odd names',
    async (type) => {
      const { client } = given()
      const tree = join(folder, type.slice(12), 'tree')
      for (const name of ODD_NAMES) await write(join(tree, name), `content of ${name}`)
      await mkdir(join(tree, 'empty/inner'), { recursive: true })
      const { run_id: RUN } = await client.createRun()
      const make = {
        'application/gzip': 'tar cz -C tree .',
        'application/zstd': `tar c -C tree . | node -e "process.stdin.pipe(require('node:zlib').createZstdCompress()).pipe(process.stdout)"`,
        'application/zip': 'cd tree && zip -q -r - .',
      }[type]
      const receipt = await shell(
        `(${make}) | curl -T - -X POST -H 'Content-Type: ${type}' -H 'X-Tenant-ID: acme-corp' $LADING/api/v1/experiments/runs/$RUN/log-artifacts`,
        dirname(tree),
        variables(RUN),
      )
      expect(await jobOf(receipt)).toMatchObject({ state: 'completed' })
      const listed = new Map([...(await client.list(RUN))].map(([path, file]) => [path, file.sha256]))
      expect(listed).toEqual(await digests(tree))
      const level = await client.listPage(RUN, 'path=empty')
      expect(level.artifacts).toMatchObject([{ path: 'empty/inner', is_dir: true }])
    },
  )

  test('a reader sees none of a directory, and then all of it; what it replaces is all as it was until then', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const names = Array.from({ length: 400 }, (_, index) => `d/${index}.txt`)
    const replaced = names.filter((_, index) => index % 40 === 7)
    const older = textContent('older')
    await Promise.all(replaced.map((name) => client.put(run, name, older, { prefer: 'wait=60' })))
    for (const name of names) await write(join(folder, 'atomic', name), `newer ${name}`)
    let done = false
    let isNewer = false
    const sizes = new Set<number>()
    const look = async () => {
      const { size } = await client.list(run)
      sizes.add(size)
      isNewer ||= size === names.length
      for (const name of replaced) {
        const { status, sha256 } = await client.get(run, name)
        isNewer ||= sha256 !== older.sha256
        expect([name, status, sha256]).toEqual([name, 200, isNewer ? digest(`newer ${name}`) : older.sha256])
      }
    }
    const reading = (async () => {
      while (!done) await look()
    })()
    const receipt = await shell(
      `tar c -C atomic . | curl -T - -X POST -H 'Content-Type: application/x-tar' -H 'X-Tenant-ID: acme-corp' $LADING/api/v1/experiments/runs/$RUN/log-artifacts`,
      folder,
      variables(run),
    )
    expect(await jobOf(receipt)).toMatchObject({ state: 'completed', files: { total: 400, stored: 400 } })
    done = true
    await reading
    await look()
    expect([...sizes].sort((a, b) => a - b)).toEqual([replaced.length, 400])
    expect(isNewer).toBe(true)
  })

  test('an unchanged directory is not sent again', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const file = textContent('same')
    await client.put(run, 'a.txt', file, { prefer: 'wait=60' })
    const opened = await client.call<JobResponse>('POST', `/api/v1/experiments/runs/${run}/uploads`, {})
    const { job_id: job } = opened.body
    const planned = await client.call('POST', `/api/v1/experiments/runs/${run}/uploads/${job}/plan`, {
      files: [
        { path: 'a.txt', size: file.size, sha256: file.sha256 },
        { path: 'b.txt', size: file.size, sha256: file.sha256 },
      ],
      copy: false,
    })
    expect(planned).toMatchObject({ status: 200, body: { needed: ['b.txt'], held: 1, copied: 0 } })
    expect(await client.call('POST', `/api/v1/jobs/${job}/seal`, {})).toMatchObject({
      body: { state: 'completed' },
    })
  })

  test('a directory is deleted as a job', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    for (const name of ['d/a', 'd/b/c', 'kept'])
      await client.put(run, name, textContent(name), { prefer: 'wait=60' })
    const deleted = await client.call<JobResponse>(
      'DELETE',
      `/api/v1/experiments/runs/${run}/artifacts/d?recursive=true`,
    )
    expect(deleted).toMatchObject({ status: 202, body: { kind: 'delete' } })
    expect([...(await client.list(run)).keys()]).toEqual(['kept'])
    expect(await client.waitJob(deleted.body.job_id)).toMatchObject({
      state: 'completed',
      files: { stored: 2 },
    })
  })
}

/** SHA-256 of every file below the folder, by its path there. */
async function digests(root: string): Promise<Map<string, string>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const pairs = files.map(async (entry): Promise<[string, string]> => {
    const path = join(entry.parentPath, entry.name)
    return [path.slice(root.length + 1), digest(await readFile(path))]
  })
  return new Map(
    (await Promise.all(pairs)).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  )
}

function digest(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
