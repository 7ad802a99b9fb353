import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { ListedPack, Spool } from '@lading/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSpool } from './index.ts'

const run = promisify(execFile)
const MODULE = JSON.stringify(new URL('./index.ts', import.meta.url).href)
const PACK_ID = randomUUID()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lading-spool-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true })
})

/** The command of a process that runs `program` with `spool` open in the test's directory. */
function command(program: string, lowWaterBytes = 0): string[] {
  const source = `import { openSpool } from ${MODULE}
    import { readdir, stat } from 'node:fs/promises'
    const directory = process.argv[1]
    const spool = await openSpool(directory, { lowWaterBytes: ${lowWaterBytes} })
    ${program}
    await spool.close()`
  return [process.execPath, '--input-type=module', '-e', source, directory]
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the child has no stdout')
  for await (const line of createInterface({ input: child.stdout })) return line
  throw new Error('the child ended without a word')
}

async function listed(spool: Spool): Promise<ListedPack[]> {
  const packs: ListedPack[] = []
  for await (const pack of spool.list()) packs.push(pack)
  return packs
}

test('processes that open a new spool at the same time agree on its id', async () => {
  const [file = '', ...args] = command('console.log(spool.id)')
  const answers = await Promise.all(Array.from({ length: 4 }, () => run(file, args)))
  expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1)
  expect((await readdir(directory)).sort()).toEqual(['growing', 'incoming', 'packs', 'spool-id'])
})

test('a process killed in the middle of a pack leaves only an unsealed one, which can be dropped', async () => {
  const [file = '', ...args] = command(`
    const writer = await spool.create('${PACK_ID}', { expectedBytes: 0 })
    const chunk = Buffer.alloc(65536)
    for (let written = 0; ; written += chunk.length) {
      await writer.write(chunk)
      if (written === 4194304) console.log('writing')
      await new Promise((done) => setImmediate(done))
    }`)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  expect(await firstLine(child)).toBe('writing')
  child.kill('SIGKILL')
  if (child.signalCode === null) await once(child, 'exit')
  expect(child.signalCode).toBe('SIGKILL')

  const spool = await openSpool(directory, { lowWaterBytes: 0 })
  const packs = await listed(spool)
  expect(packs).toMatchObject([{ packId: PACK_ID, sealed: false }])
  expect(packs[0]?.size).toBeGreaterThan(3_000_000)
  await expect(spool.open(PACK_ID)).rejects.toMatchObject({ code: 'spool_lost' })
  await spool.remove(PACK_ID)
  expect(await listed(spool)).toHaveLength(1)
  await spool.removePartial(PACK_ID)
  expect(await listed(spool)).toEqual([])
  await spool.close()
})

/**
 * Ways to run a command with room for 4 MiB: a limit on the size of a file, which every machine has, and a real small
 * file system in a mount namespace of the command's own, where the machine allows one.
 */
function smallDisks(): [string, string][] {
  const limit: [string, string] = ['a file may have 4 MiB', 'ulimit -f 8192; exec "$@"']
  const namespace = ['--mount', '--user', '--map-root-user', 'sh', '-c', 'mount -t tmpfs none /tmp']
  if (spawnSync('unshare', namespace).status !== 0) return [limit]
  const mount = 'unshare --mount --user --map-root-user sh -c'
  return [
    limit,
    ['the disk has 4 MiB', `exec ${mount} 'mount -t tmpfs -o size=4m none "$5"; exec "$@"' sh "$@"`],
  ]
}

const FILL = `
  process.on('SIGXFSZ', () => {})
  const { available } = await spool.space()
  const writer = await spool.create('${PACK_ID}', { expectedBytes: 0 })
  const codes = []
  for (let n = 0; n < 100 && codes.length === 0; n++) {
    try { await writer.write(Buffer.alloc(100_000)) } catch (error) { codes.push(error.code) }
  }
  const left = await stat(directory + '/incoming/${PACK_ID}')
  await Promise.resolve(writer.write(Buffer.alloc(1))).catch((error) => codes.push(error.code))
  await writer.seal().catch((error) => codes.push(error.code))
  await writer.discard()
  const small = await spool.create('${PACK_ID}', { expectedBytes: 0 })
  await small.write(Buffer.alloc(100_000))
  await small.seal()
  const packs = await Array.fromAsync(spool.list())
  console.log(JSON.stringify({ codes, size: left.size, available, packs, incoming: await readdir(directory + '/incoming') }))`

async function fill(shell: string, lowWaterBytes: number) {
  const { stdout } = await run('sh', ['-c', shell, 'sh', ...command(FILL, lowWaterBytes)])
  return JSON.parse(stdout)
}

describe.each(smallDisks())('where %s', (_name, shell) => {
  test('a pack that outgrows it is refused as full, stays refused, and leaves nothing when dropped', async () => {
    const { codes, size, packs, incoming } = await fill(shell, 0)
    expect(codes).toEqual(['spool_full', 'spool_full', 'spool_full'])
    expect(size).toBeGreaterThan(3_000_000)
    expect(size).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect(incoming).toEqual([])
    expect(packs).toMatchObject([{ packId: PACK_ID, size: 100_000, sealed: true }])
  })
  test('a pack of unknown length ends at the low-water mark', async () => {
    const { codes, size, available } = await fill(shell, 1024 * 1024)
    expect(codes).toContain('spool_full')
    expect(size).toBeLessThanOrEqual(available)
  })
})
