import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DiskFile, filesIn, type WalkOptions } from './files-in.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lading-tree-'))
})

afterEach(() => rm(folder, { recursive: true }))

async function make(...paths: string[]): Promise<void> {
  for (const path of paths) {
    const full = join(folder, path)
    await mkdir(path.endsWith('/') ? full : dirname(full), { recursive: true })
    if (!path.endsWith('/')) await writeFile(full, path)
  }
}

async function walk(options?: WalkOptions, root = folder): Promise<DiskFile[]> {
  const files: DiskFile[] = []
  for await (const file of filesIn(root, options)) files.push(file)
  return files
}

async function found(options?: WalkOptions, root?: string): Promise<string[]> {
  return (await walk(options, root)).map(({ path }) => path)
}

test('every file is found in the order of the bytes of its path, and every empty directory', async () => {
  await make('b.txt', 'a/z', 'a/b/c', 'empty/', 'a/hollow/', 'Z', '.hidden', '\u{1f6a2}', '\uffee')
  expect(await found()).toEqual([
    '.hidden',
    'Z',
    'a/b/c',
    'a/hollow/',
    'a/z',
    'b.txt',
    'empty/',
    '\uffee',
    '\u{1f6a2}',
  ])
})

test('a file has its size, mode, time and bytes', async () => {
  await make('run.sh')
  await utimes(join(folder, 'run.sh'), 1000, 2000)
  const files = await walk()
  expect(files).toMatchObject([{ size: 6, modifiedAt: new Date(2_000_000), source: join(folder, 'run.sh') }])
  const { bytes } = files[0] ?? {}
  expect(String(typeof bytes === 'function' && (await bytes()))).toBe('run.sh')
})

test('patterns say what is wanted, and what is not', async () => {
  await make('a.pkl', 'b.csv', 'deep/c.pkl', 'deep/d.csv', 'empty/')
  expect(await found({ include: ['*.pkl'] })).toEqual(['a.pkl', 'deep/c.pkl'])
  expect(await found({ include: ['/*.pkl', 'deep/**', '!*.csv'] })).toEqual(['a.pkl', 'deep/c.pkl'])
  expect(await found({ exclude: ['deep/', 'empty/'] })).toEqual(['a.pkl', 'b.csv'])
  expect(await found({ include: ['A.PKL'] })).toEqual([])
})

test('a .ladingignore holds for its directory and those below it, where one of theirs does not say else', async () => {
  await make('a.log', 'keep/b.log', 'keep/c.tmp', 'other/d.log', 'cache/e', 'other/cache/f')
  await writeFile(join(folder, '.ladingignore'), '# what is made anew\n*.log\r\n*.tmp\n/cache/\n')
  await writeFile(join(folder, 'keep', '.ladingignore'), '!*.log\n')
  expect(await found()).toEqual(['keep/b.log', 'other/cache/f'])
})

test('a symbolic link is refused, skipped or followed', async () => {
  await make('data/a', 'dir/b')
  await symlink(join(folder, 'dir'), join(folder, 'data', 'linked'))
  await symlink('a', join(folder, 'data', 'link'))
  const inData = (options: WalkOptions) => found(options, join(folder, 'data'))
  await expect(inData({})).rejects.toMatchObject({ code: 'link_refused' })
  expect(await inData({ links: 'skip' })).toEqual(['a'])
  expect(await inData({ links: 'follow' })).toEqual(['a', 'link', 'linked/b'])
})

test('links that lead in a circle or to nothing, and what is no file, are refused by name', async () => {
  await make('a/b/c')
  await symlink('..', join(folder, 'a', 'b', 'up'))
  await expect(found({ links: 'follow' })).rejects.toThrow(/up: a link to a directory that it lies in/)
  await rm(join(folder, 'a'), { recursive: true })
  await symlink('nowhere', join(folder, 'dangling'))
  await expect(found({ links: 'follow' })).rejects.toThrow(/dangling: neither/)
  expect(await found({ links: 'follow', exclude: ['dangling'] })).toEqual([])
  await rm(join(folder, 'dangling'))
  const socket = createServer().listen(join(folder, 'socket'))
  await expect(found())
    .rejects.toMatchObject({ code: 'link_refused' })
    .finally(() => socket.close())
})

test('a name that is not UTF-8 is refused, with what it is', async () => {
  await writeFile(Buffer.concat([Buffer.from(`${folder}/a`), Buffer.from([0xff])]), '')
  await expect(found()).rejects.toMatchObject({ code: 'path_invalid' })
  await expect(found()).rejects.toThrow('"aÿ" is not UTF-8')
})

test('a folder that is not there is told as the disk tells it', async () => {
  folder = join(folder, 'nowhere')
  await expect(found()).rejects.toMatchObject({ code: 'ENOENT' })
  folder = dirname(folder)
})
