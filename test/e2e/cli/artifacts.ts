import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactFile } from '@lading/client'
import { ArtifactListResponse } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../support/deadline.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { documentedShape, shapeOf } from './documented.ts'
import { linesOf, newUser } from './user.ts'

const FILES = { 'out/a.txt': 'a', 'out/run.sh': 'echo', 'out/deep/b.txt': 'bb' }

export function artifacts(url: () => string): void {
  test('a list is lines of size, time and path; for a script what the API says of each', async () => {
    await using user = await newUser(url())
    await user.write(FILES)
    await user.lading('upload', 'out', '--wait')
    const { out } = await user.lading('ls', 'out')
    expect(
      linesOf(out).map((line) =>
        line
          .trim()
          .split(/\s{2,}/)
          .at(-1),
      ),
    ).toEqual(['out/a.txt', 'out/deep/', 'out/run.sh'])
    expect(out).toMatch(/^ +1 bytes {2}20\d\d-\S+Z {2}out\/a\.txt$/m)
    const listed = await user.json<ArtifactFile>('ls', '-r')
    ArtifactListResponse.parse({ artifacts: listed, next_cursor: null })
    expect(listed.map(({ path }) => path)).toEqual(['out/a.txt', 'out/deep/b.txt', 'out/run.sh'])
  })

  test('whoever reads no further ends it quietly', async () => {
    await using user = await newUser(url())
    await user.write(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`many/${n}`, ''])))
    await user.lading('upload', 'many', '--wait')
    expect(await user.bash('lading ls -r | head -1')).toMatchObject({ code: 0, err: '' })
  })

  test('whoever reads slowly gets all of it', async () => {
    await using user = await newUser(url())
    await user.write(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`many/${n}`, ''])))
    await user.lading('upload', 'many', '--wait')
    // Bash reads a pipe byte by byte: the list has long been written when the first lines are read.
    const { out } = await user.bash('lading ls -r --json | while read -r line; do echo "$line"; done')
    expect(linesOf(out).map((line) => JSON.parse(line).path)).toHaveLength(2000)
  })

  test('a list of a file is that file, of a directory that is empty nothing, and of what is not there a refusal', async () => {
    await using user = await newUser(url())
    await user.write(FILES)
    await user.bash('mkdir out/empty')
    await user.lading('upload', 'out', '--wait')
    expect(await user.json<ArtifactFile>('ls', 'out/a.txt')).toMatchObject([{ path: 'out/a.txt', size: 1 }])
    expect(await user.lading('ls', 'out/empty')).toMatchObject({ code: 0, out: '' })
    expect(await user.lading('ls', 'out/nothing')).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^lading: out\/nothing: /),
    })
  })

  test('a directory that is empty is fetched, and goes to no standard output', async () => {
    await using user = await newUser(url())
    await user.bash('mkdir -p out/empty; lading upload out --wait')
    await user.lading('get', 'out/empty', 'there')
    expect((await stat(join(user.folder, 'there'))).isDirectory()).toBe(true)
    expect(await user.lading('get', 'out', '-')).toMatchObject({
      code: 2,
      err: expect.stringContaining('out: it is a directory'),
    })
  })

  test('where a file is to go and a directory is, or the other way round, it says which', async () => {
    await using user = await newUser(url())
    await user.write({ ...FILES, file: '', 'folder/a.txt/x': '' })
    await user.lading('upload', 'out', '--wait')
    const [within, over, below] = [
      await user.lading('get', 'out/a.txt', 'folder'),
      await user.lading('get', 'out', 'file'),
      await user.lading('get', 'out/a.txt', 'file/a.txt'),
    ]
    expect(within).toMatchObject({
      code: 1,
      err: expect.stringContaining('folder/a.txt: a directory is here'),
    })
    expect(over).toMatchObject({ code: 2, err: expect.stringContaining('file: a file is here') })
    expect(below).toMatchObject({ code: 1, err: expect.stringContaining('file: a file is here') })
  })

  test('a refusal names what was given, in words of the command', async () => {
    await using user = await newUser(url())
    await user.write(FILES)
    await user.lading('upload', 'out', '--wait')
    expect((await user.lading('get', 'nothing')).err).toMatch(/^lading: nothing: /)
    expect((await user.lading('rm', 'nothing')).err).toMatch(/^lading: nothing: /)
    expect(await user.lading('rm', 'out')).toMatchObject({
      code: 6,
      err: 'lading: out: it is a directory: -r deletes it, with all that lies in it\n',
    })
  })

  test('a script that asked for JSON is told all that fails in JSON, an object a line', async () => {
    await using user = await newUser(url())
    await user.write({ 'a.txt': 'a' })
    await user.lading('upload', 'a.txt', '--wait')
    const errorsOf = async (...args: string[]) =>
      linesOf((await user.lading(...args, '--json')).err).map((line) => JSON.parse(line).error)
    const [gone, sum] = await errorsOf('rm', 'a.txt', 'nothing')
    expect(gone).toMatchObject({ code: 'artifact_not_found', exit_code: 5 })
    expect(sum).toMatchObject({ code: 'partial', exit_code: 4 })
    expect(await errorsOf('rm')).toMatchObject([{ code: 'usage', exit_code: 2 }])
    expect(await errorsOf('ls', '--nothing')).toMatchObject([{ code: 'usage', exit_code: 2 }])
    expect(await errorsOf('nothing')).toMatchObject([{ code: 'usage', exit_code: 2 }])
  })

  test('a directory comes back as it was, with modes, and what is there is not fetched again', async () => {
    await using user = await newUser(url())
    await user.write(FILES)
    await user.bash('chmod 755 out/run.sh; mkdir out/empty')
    await user.lading('upload', 'out', '--wait')
    const got = await user.lading('get', 'out', 'back')
    expect(got).toMatchObject({ code: 0, out: 'Got 4 files, 7 bytes\n' })
    expect(await user.bash('diff -r out back')).toMatchObject({ code: 0, out: '' })
    expect((await stat(join(user.folder, 'back/run.sh'))).mode & 0o777).toBe(0o755)
    await user.write({ 'back/a.txt': 'z' })
    const [again] = await user.json('get', 'out', 'back')
    expect(again).toMatchObject({ files: { total: 4, held: 2 } })
    expect(await readFile(join(user.folder, 'back/a.txt'), 'utf8')).toBe('a')
    expect(shapeOf(again)).toEqual(documentedShape('lading get --json'))
  })

  test('a file goes to a name, into a directory, or to standard output', async () => {
    await using user = await newUser(url())
    await user.write({ 'model.pkl': 'a model', 'into/x': '' })
    await user.lading('upload', 'model.pkl', '--to', 'models', '--wait')
    await user.lading('get', 'models/model.pkl', 'copy.pkl')
    await user.lading('get', 'models/model.pkl', 'into')
    for (const name of ['copy.pkl', 'into/model.pkl'])
      expect(await readFile(join(user.folder, name), 'utf8'), name).toBe('a model')
    expect((await user.lading('get', 'models/model.pkl', '-')).out).toBe('a model')
  })

  test('a download that is interrupted says how to go on, and goes on', async () => {
    await using user = await newUser(url())
    await user.write({ 'out/a.bin': randomBytes(4 * 1024 * 1024), 'out/b.txt': 'b' })
    await user.lading('upload', 'out', '--wait')
    const proxy = await startTcpProxy(Number(new URL(url()).port))
    proxy.network = { bytesPerSecond: 256 * 1024 }
    await user.bash('mv out sent')
    const { child, ended } = user.start(['get', 'out', '--url', `http://127.0.0.1:${proxy.port}`])
    const isBegun = async () => (await user.bash('ls -A out')).out.includes('.lading-part')
    await until(isBegun, { within: 30_000 })
    child.kill('SIGINT')
    expect(await ended).toMatchObject({
      code: 130,
      err: expect.stringContaining('interrupted; what is whole stays, and the same command fetches the rest'),
    })
    await proxy.close()
    expect(await user.lading('get', 'out')).toMatchObject({ code: 0 })
    expect(await user.bash('diff -r sent out')).toMatchObject({ code: 0, out: '' })
  })

  test('of several that are deleted, one that is not there is named, and the others go', async () => {
    await using user = await newUser(url())
    await user.write(FILES)
    await user.lading('upload', 'out', '--wait')
    const some = await user.lading('rm', 'out/a.txt', 'out/nothing')
    expect(some).toMatchObject({ code: 4, out: 'deleted out/a.txt\n' })
    expect(some.err).toContain('out/nothing: ')
    expect(some.err).toContain('1 of 2 failed')
    const [deleted] = await user.json('rm', '-r', 'out', '--wait')
    expect(shapeOf(deleted)).toEqual(documentedShape('lading rm --json'))
    expect(await user.json('ls', '-r')).toEqual([])
  })

  test('its exit code tells what is not there from what is refused and from who does not answer', async () => {
    await using user = await newUser(url())
    expect(await user.lading('ls', '--run', 'nothing')).toMatchObject({
      code: 5,
      err: expect.stringMatching(/^lading: .*no run "nothing"/),
    })
    expect((await user.lading('get', 'nothing')).code).toBe(5)
    expect((await user.lading('ls', '../..')).code).toBe(6)
    expect((await user.lading('ls', '--run', '')).code).toBe(2)
    const { code, err } = await user.lading('ls', '--url', 'http://127.0.0.1:9', '--json')
    expect(code).toBe(7)
    const { error } = JSON.parse(err)
    expect(error).toMatchObject({ code: 'connection_failed', exit_code: 7 })
    expect(shapeOf({ error })).toEqual(documentedShape('What fails with'))
  })
}
