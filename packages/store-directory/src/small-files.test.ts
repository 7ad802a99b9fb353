import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import type { Crc32 } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { factsOf, openStore } from './fixtures/store.ts'
import { SmallFiles } from './small-files/small-files.ts'

const signal = new AbortController().signal
const absent = { precondition: { kind: 'absent' }, signal } as const
const bucket = 'artifacts'

describe('small files that a directory store writes at once', () => {
  it('are all there, proven, with ETags of their own, and nothing is left beside them', async () => {
    const { root, store } = await openStore()
    const keys = Array.from({ length: 300 }, (_, number) => `runs/${number % 7}/${number}.json`)
    const written = await Promise.all(
      keys.map((key) => store.write({ bucket, key }, bodyOf(key), factsOf(bodyOf(key)), absent)),
    )
    const proven = await store.proveWritten(written, signal)
    expect(proven.every((answer) => !(answer instanceof LadingError))).toBe(true)
    expect(new Set(written.map(({ etag }) => etag)).size).toBe(keys.length)
    for (const [at, key] of keys.entries()) {
      expect(await readFile(join(root, bucket, key))).toEqual(bodyOf(key))
      expect((await store.head({ bucket, key }, signal))?.etag).toBe(written[at]?.etag)
      expect((await stat(join(root, bucket, key))).nlink).toBe(1)
    }
    expect(await readdir(join(root, '.lading', 'tmp'))).toEqual([])
  })

  it('find a taken name: the same bytes are met there, others are refused', async () => {
    const { store } = await openStore()
    const ref = { bucket, key: 'runs/1/a.json' }
    const body = bodyOf('a')
    const first = await store.write(ref, body, factsOf(body), absent)
    expect(await store.write(ref, body, factsOf(body), absent)).toEqual(first)
    await refused(store.write(ref, bodyOf('b'), factsOf(bodyOf('b')), absent), 'store_precondition_failed')
    expect((await store.head(ref, signal))?.etag).toBe(first.etag)
  })

  it('are refused when their bytes are not those that were accepted, and the others with them are not', async () => {
    const { root, store } = await openStore()
    const body = bodyOf('a')
    const facts = factsOf(body)
    const good = store.write({ bucket, key: 'good' }, body, facts, absent)
    await refused(
      store.write({ bucket, key: 'crc' }, body, { ...facts, crc32: 1 as Crc32 }, absent),
      'store_checksum_mismatch',
    )
    await refused(
      store.write(
        { bucket, key: 'sha' },
        body,
        { ...facts, sha256: factsOf(Buffer.from('b')).sha256 },
        absent,
      ),
      'store_object_mismatch',
    )
    await refused(
      store.write({ bucket, key: 'size' }, body, { ...facts, size: 1 }, absent),
      'store_checksum_mismatch',
    )
    await good
    expect(await readdir(join(root, bucket))).toEqual(['good'])
    expect(await readdir(join(root, '.lading', 'tmp'))).toEqual([])
  })

  it('are told what the file system has against them', async () => {
    const { root, store } = await openStore()
    const body = bodyOf('a')
    await refused(
      store.write({ bucket, key: `runs/${'n'.repeat(300)}` }, body, factsOf(body), absent),
      'store_rejected',
    )
    await store.write({ bucket, key: 'runs/a' }, body, factsOf(body), absent)
    await refused(store.write({ bucket, key: 'runs/a/below' }, body, factsOf(body), absent), 'store_rejected')
    await rm(join(root, '.lading'), { recursive: true })
    await refused(store.write({ bucket, key: 'runs/b' }, body, factsOf(body), absent), 'store_unavailable')
  })

  it('get their directory again when a deletion cleared it away', async () => {
    const { store } = await openStore()
    const body = bodyOf('a')
    const ref = { bucket, key: 'runs/1/deep/a.json' }
    for (let round = 0; round < 3; round++) {
      await store.write(ref, body, factsOf(body), absent)
      await store.delete(ref, { signal })
      expect(await store.head(ref, signal)).toBeUndefined()
    }
  })

  it('are written all the same when the thread ends while it has them', async () => {
    const { root, store } = await openStore()
    const body = bodyOf('a')
    const keys = Array.from({ length: 200 }, (_, number) => `runs/1/${number}`)
    const writing = keys.map((key) => store.write({ bucket, key }, body, factsOf(body), absent))
    await turn()
    await store.close()
    await Promise.all(writing)
    expect((await readdir(join(root, bucket, 'runs/1'))).sort()).toEqual(
      keys.map((key) => key.slice(7)).sort(),
    )
    for (const key of keys) expect(await store.prove({ bucket, key }, factsOf(body), signal)).toBeDefined()
  })

  it('are given up by a thread that ended, and taken by the next', async () => {
    const { root } = await openStore()
    const files = new SmallFiles()
    onTestFinished(() => files.close())
    const body = bodyOf('a')
    const write = (name: string) => {
      const { size, sha256, crc32 } = factsOf(body)
      const [temporary, path] = [join(root, '.lading', 'tmp', randomUUID()), join(root, name)]
      return files.write({ temporary, path, facts: { size, sha256, crc32 }, seconds: 1 }, body)
    }
    const given = Array.from({ length: 50 }, (_, number) => write(`first-${number}`))
    await turn()
    await files.close()
    for (const [number, etag] of (await Promise.all(given)).entries())
      if (etag !== undefined) expect(await readFile(join(root, `first-${number}`))).toEqual(body)
    expect(await write('second')).toMatch(/^"/)
  })

  it('are whole or not there when the process is killed at any instant', async () => {
    for (let round = 0; round < 4; round++) {
      const { root, store } = await openStore()
      const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let written = 0
      for await (const _ of createInterface(child.stdout)) if (++written > round * 30) break
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const names = await readdir(join(root, bucket, 'runs'))
      expect(names.length).toBeGreaterThanOrEqual(written)
      for (const name of names)
        expect(
          await store.prove({ bucket, key: `runs/${name}` }, factsOf(bodyOf(name)), signal),
        ).toBeDefined()
    }
  })
})

const WRITER = `
  const { openDirectoryStore } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
  const { createHash } = await import('node:crypto')
  const { crc32 } = await import('node:zlib')
  const store = openDirectoryStore(process.argv[1])
  const signal = new AbortController().signal
  const bodyOf = ${bodyOf.toString()}
  for (let first = 0; ; first += 30)
    await Promise.all(Array.from({ length: 30 }, async (_, at) => {
      const name = String(first + at)
      const body = bodyOf(name)
      const facts = { size: body.length, sha256: createHash('sha256').update(body).digest('hex'), crc32: crc32(body) }
      await store.write({ bucket: 'artifacts', key: 'runs/' + name }, body, facts, { precondition: { kind: 'absent' }, signal })
      console.log(name)
    }))
`

function bodyOf(name: string): Buffer {
  return Buffer.from(name.repeat(1000))
}

async function refused(call: Promise<unknown>, code: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ code })
}
