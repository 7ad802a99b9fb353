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
  "it's & so = on; a+b@c~!.csv",
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

  test('a reader sees none of a directory, and then all of it; what it replaces stays whole until then', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const names = Array.from({ length: 400 }, (_, index) => `d/${index}.txt`)
    const older = textContent('older')
    await client.put(run, 'd/7.txt', older, { prefer: 'wait=60' })
    for (const name of names) await write(join(folder, 'atomic', name), `newer ${name}`)
    let done = false
    const seen = new Set<number>()
    const reading = (async () => {
      while (!done) {
        seen.add((await client.list(run)).size)
        expect(await client.get(run, 'd/7.txt')).toMatchObject({ status: 200 })
      }
    })()
    const receipt = await shell(
      `tar c -C atomic . | curl -T - -X POST -H 'Content-Type: application/x-tar' -H 'X-Tenant-ID: acme-corp' $LADING/api/v1/experiments/runs/$RUN/log-artifacts`,
      folder,
      variables(run),
    )
    expect(await jobOf(receipt)).toMatchObject({ state: 'completed', files: { total: 400, stored: 400 } })
    done = true
    await reading
    seen.add((await client.list(run)).size)
    expect([...seen].sort((a, b) => a - b)).toEqual([1, 400])
    expect((await client.get(run, 'd/7.txt')).sha256).toBe(digest('newer d/7.txt'))
  })

  test('many clients add to one open job, and one of them is killed', async () => {
    const { client } = given()
    const { run_id: run } = await client.createRun()
    const opened = await client.call<JobResponse>('POST', `/api/v1/experiments/runs/${run}/uploads`, {
      artifact_path: 'step-1000',
      shards: 16,
    })
    expect(opened).toMatchObject({ status: 201, body: { state: 'open' } })
    const { job_id: job } = opened.body
    const addressed = `log-artifact?job_id=${job}`
    const rank = async (index: number) => {
      const form = new FormData()
      form.append('file', new Blob([`shard ${index}`]), `rank-${index}.pt`)
      const response = await fetch(client.address(`/api/v1/experiments/runs/${run}/${addressed}`), {
        method: 'POST',
        body: form,
        headers: { 'x-tenant-id': 'acme-corp' },
      })
      expect(response.status).toBe(202)
      return await client.call('POST', `/api/v1/jobs/${job}/seal`, { shard: index })
    }
    const killed = shell(
      `(head -c 1000000 /dev/zero; sleep 3) | curl -T - -m 1 -H 'X-Tenant-ID: acme-corp' "$LADING/api/v1/experiments/runs/$RUN/artifacts/half.bin?job_id=${job}"`,
      folder,
      variables(run),
    )
    // Listened to at once: it may be over before the others are.
    const refused = expect(killed).rejects.toThrow()
    await Promise.all([...Array(16).keys()].map(rank))
    await refused
    expect(await client.waitJob(job)).toMatchObject({ state: 'completed', files: { total: 16, stored: 16 } })
    expect([...(await client.list(run)).keys()].sort()).toEqual(
      [...Array(16).keys()].map((index) => `step-1000/rank-${index}.pt`).sort(),
    )
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
    })
    expect(planned).toMatchObject({ status: 200, body: { needed: ['b.txt'], held: 1 } })
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
