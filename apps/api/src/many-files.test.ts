import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiUnderTest } from './fixtures/api-under-test.ts'
import { FORM_TYPE, fieldPart, filePart, form } from './fixtures/form.ts'
import { rawTar } from './fixtures/raw-archives.ts'

/** More than a request's files that are held in memory, by some. */
const MANY = 2_501

let server: ApiUnderTest

beforeAll(async () => {
  server = await ApiUnderTest.start({ limits: { archiveBytes: 64 * 1024 * 1024 } })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
})

test('a tar of thousands of files is one job, delivered in small pieces, each file once', async () => {
  const { path } = await server.run()
  const tar = rawTar({ name: 'empty/', type: '5' }, { name: 'in/', type: '5' }, ...numbered('in'))
  const answer = await server.fetch(`${path}/log-artifacts?artifact_path=all`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-tar' },
    body: tar as never,
  })
  expect(answer.status).toBe(202)
  const job = (await answer.json()) as { job_id: string; files: number; bytes: number; artifacts: string[] }
  expect(job).toMatchObject({ files: MANY + 1, bytes: 4 * MANY })
  expect(job.artifacts[0]).toBe('all/empty/')
  await server.deliver()
  expect(await server.json(`/api/v1/jobs/${job.job_id}`)).toMatchObject({
    state: 'completed',
    files: { total: MANY + 1, done: MANY + 1 },
  })
  expect(await listed(`${path}/artifacts`, 'all')).toEqual([
    'all/empty',
    ...numbered('all/in').map(({ name }) => name),
  ])
})

test('a form of thousands of files says where they belong at its end, and is known again by its key', async () => {
  const { path } = await server.run()
  const files = numbered('sub').map(({ name, bytes }) => filePart(name, bytes.toString('latin1')))
  const send = (...parts: string[]) =>
    server.fetch(`${path}/log-artifacts`, {
      method: 'POST',
      headers: { 'content-type': FORM_TYPE, 'idempotency-key': 'once' },
      body: form(...parts, fieldPart('artifact_path', 'late')),
    })
  const first = (await (await send(...files)).json()) as {
    job_id: string
    files: number
    artifacts: string[]
  }
  expect(first).toMatchObject({ files: MANY })
  expect(first.artifacts[0]).toBe('late/sub/00000')
  const again = await send(...files.toReversed())
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await again.json()).toMatchObject({ job_id: first.job_id, files: MANY })
  const other = await send(...files.slice(1), filePart('sub/00000', 'else'))
  expect(other.status).toBe(422)
  expect(await server.packs()).toHaveLength(1 + (await packsBefore()))
})

test('one bad entry after thousands refuses them all by its name, and leaves nothing', async () => {
  const { path } = await server.run()
  const before = [await server.jobs(), (await server.packs()).length]
  for (const [bad, code] of [
    ['x/../y', 'archive_entry_refused'],
    ['in/00007', 'path_duplicate'],
    ['in/00007/below', 'path_conflict'],
    ['in', 'path_conflict'],
  ] as const) {
    const tar = rawTar(...numbered('in'), { name: bad, bytes: Buffer.from('bad') })
    const answer = await server.fetch(`${path}/log-artifacts`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-tar' },
      body: tar as never,
    })
    const problem = (await answer.json()) as { code: string; detail: string }
    expect(problem.code).toBe(code)
    expect(problem.detail).toContain(bad)
  }
  expect([await server.jobs(), (await server.packs()).length]).toEqual(before)
})

/** The first test's pack, until it is dropped. */
async function packsBefore(): Promise<number> {
  return (await server.packs()).length - 1
}

function numbered(directory: string): { name: string; bytes: Buffer }[] {
  return Array.from({ length: MANY }, (_, index) => {
    const name = `${directory}/${String(index).padStart(5, '0')}`
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(index)
    return { name, bytes }
  })
}

async function listed(address: string, directory: string): Promise<string[]> {
  const paths: string[] = []
  let cursor: string | undefined
  do {
    const more = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await server.json(`${address}?path=${directory}&recursive=true&limit=1000${more}`)
    for (const { path } of page.artifacts as { path: string }[]) paths.push(path)
    cursor = (page.next_cursor as string | null) ?? undefined
  } while (cursor !== undefined)
  return paths
}
