import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactFile, Job } from '@lading/client'
import { expect, test } from 'vitest'
import { until } from '../../support/deadline.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { documentedShape, shapeOf } from './documented.ts'
import { newUser, type User } from './user.ts'

interface Report {
  readonly job_id: string
  readonly files: { readonly total: number; readonly sent: number; readonly held: number }
  readonly bytes: { readonly total: number; readonly sent: number }
  readonly state?: string
}

/** Where the server is, and the temporary storage that it has. */
export interface Served {
  readonly url: string
  readonly spoolDirectory: string
}

export function uploads(served: () => Served): void {
  test('files and directories come under their names, and are delivered when it has waited', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'model.pkl': 'a model', 'plots/loss.png': 'a plot', 'plots/deep/roc.png': 'another' })
    const { code, out, err } = await user.lading(
      'upload',
      'model.pkl',
      'plots',
      '--to',
      'evaluation',
      '--wait',
    )
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^Delivered 3 files, 20 bytes: job \S+\n$/)
    expect(await paths(user)).toEqual([
      'evaluation/model.pkl',
      'evaluation/plots/deep/roc.png',
      'evaluation/plots/loss.png',
    ])
  })

  test('what lies in a directory comes without its name, and another name can be given', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'out/a.txt': 'a', 'out/skip.tmp': 'b', 'model.pkl': 'c' })
    await user.lading('upload', 'out/.', '--exclude', '*.tmp', '--wait')
    await user.lading('upload', 'model.pkl', '--as', 'models/best.pkl', '--wait')
    expect(await paths(user)).toEqual(['a.txt', 'models/best.pkl'])
  })

  test('a directory that is empty comes as that', async () => {
    await using user = await newUser(served().url)
    await user.bash('mkdir -p hollow; lading upload hollow --to d --wait')
    expect(await user.json('ls', '-r')).toEqual([{ path: 'd/hollow', is_dir: true }])
  })

  test('where nothing can be noted of an upload, it is made all the same', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'a.txt': 'a', '.state': '' })
    const { code, out, err } = await user.lading('upload', 'a.txt', '--wait')
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('could not be resumed') })
    expect(out).toContain('Delivered 1 file')
  })

  test('standard input becomes an artifact, under the name that is given', async () => {
    await using user = await newUser(served().url)
    const { code, err } = await user.bash('printf "a dump" | lading upload - --as dumps/db.sql --wait')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect((await user.lading('get', 'dumps/db.sql', '-')).out).toBe('a dump')
    const nameless = await user.bash('echo x | lading upload -')
    expect(nameless).toMatchObject({ code: 2, err: expect.stringContaining('--as') })
  })

  test('for a script it says in JSON what it sent, as the documents show it', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'a.txt': 'four' })
    const [report] = await user.json<Report>('upload', 'a.txt', '--wait')
    expect(report).toMatchObject({
      files: { total: 1, sent: 1, held: 0 },
      bytes: { sent: 4 },
      state: 'completed',
    })
    expect(shapeOf(report)).toEqual(documentedShape('lading upload --json'))
  })

  test('what is not there, or would have the name of another, fails before anything is sent', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'a.txt': 'a', 'other/a.txt': 'b' })
    expect(await user.lading('upload', 'a.txt', 'nowhere')).toMatchObject({
      code: 2,
      err: expect.stringContaining('nowhere: there is no such file'),
    })
    expect(await user.lading('upload', 'a.txt', 'other/a.txt')).toMatchObject({ code: 2 })
    expect(await user.bash('mkfifo pipe; lading upload pipe')).toMatchObject({
      code: 2,
      err: expect.stringContaining('lading upload - --as NAME < pipe'),
    })
    expect(await user.bash('mkdir linked; ln -s ../a.txt linked; lading upload linked')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--links follow, or --links skip'),
    })
    await user.write({ 'other/b\nc': '' })
    expect(await user.lading('upload', 'other')).toMatchObject({
      code: 6,
      err: expect.stringContaining('"other/b\\nc" has a control'),
    })
    expect(await user.lading('upload', 'a.txt', '--as', '../a')).toMatchObject({ code: 6 })
    expect(await user.json('jobs', '--run', user.run)).toEqual([])
  })

  test('sync sends what changed only, and deletes what is not here only when it is told to', async () => {
    await using user = await newUser(served().url)
    // What the tenant has anywhere is copied, and not sent.
    const own = (text: string) => `${text} of ${user.run}`
    await user.write({ 'out/a.txt': own('a'), 'out/b.txt': own('b'), 'out/deep/c.txt': own('c') })
    const sync = (...more: string[]) => user.json<Report>('sync', 'out', '--to', 'results', '--wait', ...more)
    expect(await sync()).toMatchObject([{ files: { total: 3, sent: 3, held: 0 } }])
    expect(await sync()).toMatchObject([{ files: { total: 3, sent: 0, held: 3 }, bytes: { sent: 0 } }])
    await user.write({ 'out/a.txt': own('another') })
    await rm(join(user.folder, 'out', 'deep'), { recursive: true })
    expect(await sync()).toMatchObject([{ files: { total: 2, sent: 1, held: 1 } }])
    expect(await paths(user)).toEqual(['results/a.txt', 'results/b.txt', 'results/deep/c.txt'])
    await sync('--delete')
    expect(await paths(user)).toEqual(['results/a.txt', 'results/b.txt'])
  })

  test('an outbox of the Python package is not taken for a directory to sync', async () => {
    await using user = await newUser(served().url)
    await user.write({ 'outbox/0199/journal': '{}', 'outbox/0199/lock': '' })
    expect(await user.lading('sync', 'outbox')).toMatchObject({
      code: 2,
      err: expect.stringContaining('python -m lading sync outbox'),
    })
  })

  test.each(['SIGINT', 'SIGKILL'] as const)(
    'after a %s the same command sends what is missing, and no more',
    async (signal) => {
      await using cut = await interruptedBy(signal, served())
      const { user, upload, stop } = cut
      if (signal === 'SIGINT') {
        expect(stop.code).toBe(130)
        expect(stop.err).toMatch(/interrupted; 30 files .* are kept in job \S+\. The same command goes on/)
        expect(stop.err).toMatch(/`lading jobs cancel \S+` gives it up/)
      }
      const [report] = await user.json<Report>(...upload, '--wait')
      expect(report).toMatchObject({ files: { total: 31, sent: 1, held: 30 }, state: 'completed' })
      expect(await user.json<Job>('jobs', '--run', user.run)).toMatchObject([{ job_id: report?.job_id }])
      await user.lading('get', 'large.bin', 'back.bin')
      const [sent, back] = await Promise.all(
        ['large.bin', 'back.bin'].map((name) => readFile(join(user.folder, name))),
      )
      expect(sent?.equals(back ?? Buffer.alloc(0))).toBe(true)
      // Another time it is an upload of its own.
      expect(await user.json<Report>(...upload)).toMatchObject([{ files: { sent: 31, held: 0 } }])
    },
  )

  test('with another --exclude it is another upload: what is left out now was not sent', async () => {
    await using cut = await interruptedBy('SIGINT', served())
    const { user, upload } = cut
    const [report] = await user.json<Report>(...upload, '--exclude', '1?', '--wait')
    expect(report).toMatchObject({ files: { total: 21, held: 0 } })
    expect(await paths(user)).toHaveLength(21)
  })

  test('a large file that has changed since the interruption is sent as it is now', async () => {
    await using cut = await interruptedBy('SIGINT', served())
    const { user, upload } = cut
    const now = randomBytes(LARGE_BYTES)
    await user.write({ 'large.bin': now })
    expect(await user.json<Report>(...upload, '--wait')).toMatchObject([{ files: { sent: 1, held: 30 } }])
    await user.lading('get', 'large.bin', 'back.bin')
    expect((await readFile(join(user.folder, 'back.bin'))).equals(now)).toBe(true)
  })
}

const LARGE_BYTES = 48 * 1024 * 1024

/** An upload of 30 small files and a large one over a slow link, cut off when the small ones and a part are there. */
async function interruptedBy(signal: 'SIGINT' | 'SIGKILL', { url, spoolDirectory }: Served) {
  const proxy = await startTcpProxy(Number(new URL(url).port))
  const user = await newUser(`http://127.0.0.1:${proxy.port}`)
  const small = Array.from({ length: 30 }, (_, n) => [`small/${n}`, `file ${n} of ${user.run}`])
  await user.write({ ...Object.fromEntries(small), 'large.bin': randomBytes(LARGE_BYTES) })
  const upload = ['upload', 'small', 'large.bin']
  proxy.network = { bytesPerSecond: 4 * 1024 * 1024 }
  const { child, ended } = user.start(upload)
  const partIsThere = async () => (await readdir(join(spoolDirectory, 'growing'))).length > 0
  const smallAreThere = async () =>
    (await user.json<Job>('jobs', '--run', user.run, '--url', url))[0]?.files.total === 30
  await until(async () => (await partIsThere()) && (await smallAreThere()), { within: 30_000 })
  child.kill(signal)
  const stop = await ended
  proxy.network = 'open'
  const dispose = async () => {
    await proxy.close()
    await user[Symbol.asyncDispose]()
  }
  return { user, upload, stop, [Symbol.asyncDispose]: dispose }
}

async function paths(user: User): Promise<string[]> {
  return (await user.json<ArtifactFile>('ls', '-r')).map(({ path }) => path)
}
