import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import {
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { crc32Of } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { factsOf, openStore } from './fixtures/store.ts'
import { openDirectoryStore } from './index.ts'

const signal = new AbortController().signal
const write = { precondition: { kind: 'none' }, signal } as const
const ref = { bucket: 'artifacts', key: 'runs/1/model.pkl' }
const body = Buffer.from('the bytes that were accepted')

describe('a directory store', () => {
  it('keeps each object as a plain file at its URI, and nothing beside it', async () => {
    const { store, root } = await openStore()
    await store.put(ref, body, factsOf(body), write)
    expect(store.uri(ref).startsWith(store.rootUri)).toBe(true)
    expect(await readFile(fileURLToPath(store.uri(ref)))).toEqual(body)
    expect(await filesBelow(root)).toEqual(['artifacts/runs/1/model.pkl'])
  })

  it('gives no key a way out of its bucket', async () => {
    const { store } = await openStore()
    for (const key of ['../other/x', 'a/../../x', 'a/./x', 'a//x', '/x', 'x/', '..', '', 'a\0b'])
      expect(await codeOf(store.put({ bucket: 'artifacts', key }, body, factsOf(body), write))).toBe(
        'store_rejected',
      )
    for (const bucket of ['.lading', '..', '', 'a/b', '.'])
      expect(await codeOf(store.put({ bucket, key: 'x' }, body, factsOf(body), write))).toBe('store_rejected')
    for (const uploadId of ['../tmp', '..', 'x'])
      expect(await codeOf(store.listParts(ref, uploadId, signal))).toBe('store_upload_gone')
  })

  it('refuses a key below a file, and a file at the name of a directory, with a sentence', async () => {
    const { store, root } = await openStore()
    await store.put({ ...ref, key: 'a' }, body, factsOf(body), write)
    await store.put({ ...ref, key: 'd/e' }, body, factsOf(body), write)
    for (const key of ['a/b', 'a/b/c', 'd'])
      for (const kind of ['none', 'absent'] as const) {
        const error = await errorOf(
          store.put({ ...ref, key }, body, factsOf(body), { precondition: { kind }, signal }),
        )
        expect(error.code, key).toBe('store_rejected')
        expect(error.detail).toContain('cannot hold a file and, below its name, other files')
      }
    expect(await store.head({ ...ref, key: 'd' }, signal)).toBeUndefined()
    expect(await store.head({ ...ref, key: 'a/b' }, signal)).toBeUndefined()
    expect(await codeOf(store.get({ ...ref, key: 'd' }, { signal }))).toBe('store_object_missing')
    expect(await filesBelow(root)).toEqual(['artifacts/a', 'artifacts/d/e'])
  })

  it('refuses a name that is too long for its file system', async () => {
    const { store } = await openStore()
    const key = 'x'.repeat(300)
    expect(await codeOf(store.put({ ...ref, key }, body, factsOf(body), write))).toBe('store_rejected')
  })

  it('does not write into an empty tree when its disk is gone', async () => {
    const { store, root } = await openStore()
    await rename(root, `${root}-unmounted`)
    onTestFinished(() => rm(`${root}-unmounted`, { recursive: true }))
    expect(await codeOf(store.put(ref, body, factsOf(body), write))).toBe('store_unavailable')
    expect(await codeOf(store.check('artifacts', signal))).toBe('store_unavailable')
    expect(await codeOf(store.createUpload(ref, factsOf(body), signal))).toBe('store_unavailable')
    await expect(stat(root)).rejects.toThrow('ENOENT')
  })

  it('keeps the ETags of its objects when it is copied with their times, and through a restart', async () => {
    const { store, root } = await openStore()
    const { etag } = await store.put(ref, body, factsOf(body), write)
    const copy = `${root}-copy`
    cpSync(root, copy, { recursive: true, preserveTimestamps: true })
    onTestFinished(() => rm(copy, { recursive: true }))
    expect((await openDirectoryStore(root).head(ref, signal))?.etag).toBe(etag)
    expect((await openDirectoryStore(copy).head(ref, signal))?.etag).toBe(etag)
  })

  it('gives every version of an object an ETag of its own, however fast they follow', async () => {
    const { store } = await openStore()
    const etags = new Set<string>()
    for (let version = 0; version < 50; version++)
      etags.add((await store.put(ref, body, factsOf(body), write)).etag)
    expect(etags.size).toBe(50)
  })

  it('notices an object that was edited in place', async () => {
    const { store } = await openStore()
    const { etag } = await store.put(ref, body, factsOf(body), write)
    await writeFile(fileURLToPath(store.uri(ref)), 'other bytes that were edited')
    expect(await codeOf(store.get(ref, { ifMatch: etag, signal }))).toBe('store_precondition_failed')
    expect(await store.prove(ref, factsOf(body), signal)).toBeUndefined()
  })

  it('keeps a download whole while the object is replaced', async () => {
    const { store } = await openStore()
    const large = Buffer.alloc(5_000_000, 'old')
    await store.put(ref, large, factsOf(large), write)
    const { body: download } = await store.get(ref, { signal })
    await store.put(ref, body, factsOf(body), write)
    await store.delete(ref, { signal })
    expect(Buffer.concat(await download.toArray()).equals(large)).toBe(true)
  })

  it('says so when a file is cut while it is read', async () => {
    const { store } = await openStore()
    const large = Buffer.alloc(5_000_000, 'x')
    await store.put(ref, large, factsOf(large), write)
    const { body: download } = await store.get(ref, { signal })
    await truncate(fileURLToPath(store.uri(ref)), 1_000_000)
    expect(await codeOf(download.toArray())).toBe('store_object_mismatch')
  })

  it('drops a part that was damaged at rest, so that it is sent again', async () => {
    const { store, root } = await openStore()
    const uploadId = await store.createUpload(ref, factsOf(body), signal)
    const part = { partNumber: 1, body, crc32: crc32Of(body) }
    const receipt = await store.uploadPart(ref, uploadId, part, signal)
    const directory = join(root, '.lading', 'uploads', uploadId)
    const file = (await readdir(directory)).find((name) => name.startsWith('1-')) ?? ''
    await truncate(join(directory, file), 5)
    expect(await codeOf(store.completeUpload(ref, uploadId, [receipt], factsOf(body), write))).toBe(
      'store_object_mismatch',
    )
    expect(await store.listParts(ref, uploadId, signal)).toEqual([])
    await store.uploadPart(ref, uploadId, part, signal)
    expect(await store.completeUpload(ref, uploadId, [receipt], factsOf(body), write)).toMatchObject({
      proof: 'read-back',
    })
    expect(await filesBelow(root)).toEqual(['artifacts/runs/1/model.pkl'])
  })

  it('clears away what a killed process left, an hour later, when uploads are listed', async () => {
    const { store, root } = await openStore()
    const tmp = join(root, '.lading', 'tmp')
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
    await writeFile(join(tmp, 'old'), 'x')
    await utimes(join(tmp, 'old'), hoursAgo, hoursAgo)
    await writeFile(join(tmp, 'new'), 'x')
    for await (const _ of store.listUploads('artifacts', '', signal)) throw new Error('there is no upload')
    expect(await readdir(tmp)).toEqual(['new'])
  })

  it('copies without a second set of bytes, and with the same ETag', async () => {
    const { store, root } = await openStore()
    const { etag } = await store.put(ref, body, factsOf(body), write)
    const to = { ...ref, key: 'published/model.pkl' }
    expect(await store.copy(ref, to, factsOf(body), { ...write, ifMatch: etag })).toEqual({
      etag,
      proof: 'read-back',
    })
    const inode = async (key: string) => (await stat(join(root, ref.bucket, key))).ino
    expect(await inode(to.key)).toBe(await inode(ref.key))
    await store.put(ref, Buffer.from('newer'), factsOf(Buffer.from('newer')), write)
    expect((await store.head(to, signal))?.etag).toBe(etag)
    expect(await filesBelow(root)).toEqual(['artifacts/published/model.pkl', 'artifacts/runs/1/model.pkl'])
  })

  it('copies the bytes where a second name would not do', async () => {
    const { store, root } = await openStore()
    await writeFile(join(root, 'elsewhere'), body)
    await mkdir(join(root, 'artifacts'))
    await symlink('../elsewhere', join(root, 'artifacts', 'link'))
    await store.copy({ ...ref, key: 'link' }, ref, factsOf(body), write)
    const copied = await lstat(join(root, ref.bucket, ref.key))
    expect(copied.isFile()).toBe(true)
    expect(copied.ino).not.toBe((await stat(join(root, 'elsewhere'))).ino)
    expect(await store.prove(ref, factsOf(body), signal)).toBeDefined()
    expect(await readdir(join(root, '.lading', 'tmp'))).toEqual([])
  })

  it('makes a file beside it the object without a second set of bytes', async () => {
    const { store, root } = await openStore()
    const pack = join(root, '.lading', 'pack')
    await writeFile(pack, body, { mode: 0o600 })
    const stored = await store.adopt(ref, pack, factsOf(body), write)
    expect(stored).toEqual({ etag: (await store.head(ref, signal))?.etag, proof: 'read-back' })
    const object = await stat(join(root, ref.bucket, ref.key))
    expect([object.ino, object.mode & 0o777]).toEqual([(await stat(pack)).ino, 0o644])
    await rm(pack)
    expect(await store.prove(ref, factsOf(body), signal)).toEqual(stored)
    expect(await readdir(join(root, '.lading', 'tmp'))).toEqual([])
  })

  it('gives what it adopts the same ETag each time, so that a late worker changes nothing', async () => {
    const { store, root } = await openStore()
    const pack = join(root, '.lading', 'pack')
    await writeFile(pack, body)
    const first = await store.adopt(ref, pack, factsOf(body), write)
    const late = { precondition: { kind: 'absent' }, signal } as const
    expect(await store.adopt(ref, pack, factsOf(body), late)).toEqual(first)
    expect(await store.adopt({ ...ref, key: 'other' }, pack, factsOf(body), late)).toEqual(first)
    expect((await store.head(ref, signal))?.etag).toBe(first?.etag)
  })

  it('adopts nothing that is not the file: longer, other bytes, a symbolic link, gone', async () => {
    const { store, root } = await openStore()
    const pack = join(root, '.lading', 'pack')
    const adopted = () => store.adopt(ref, pack, factsOf(body), write)
    expect(await adopted()).toBeUndefined()
    await writeFile(pack, Buffer.concat([body, body]))
    expect(await adopted()).toBeUndefined()
    await writeFile(pack, Buffer.alloc(body.length))
    expect(await adopted()).toBeUndefined()
    await rename(pack, `${pack}-aside`)
    await symlink('pack-aside', pack)
    expect(await adopted()).toBeUndefined()
    expect(await filesBelow(root)).toEqual(['.lading/pack-aside'])
  })

  it('does not take a copy of an old object that is under way for one that was abandoned', async () => {
    const { store, root } = await openStore()
    await store.put(ref, body, factsOf(body), write)
    const source = join(root, ref.bucket, ref.key)
    const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(source, hoursAgo, hoursAgo)
    await link(source, join(root, '.lading', 'tmp', 'copy'))
    for await (const _ of store.listUploads('artifacts', '', signal)) throw new Error('there is no upload')
    expect(await readdir(join(root, '.lading', 'tmp'))).toEqual(['copy'])
  })

  it('lists nothing for a prefix that climbs out, and nothing of its own', async () => {
    const { store } = await openStore()
    await store.put(ref, body, factsOf(body), write)
    for (const prefix of ['../', '../.lading/', '/', 'a//', 'runs/../'])
      for await (const found of store.list('artifacts', prefix, signal)) throw new Error(found.key)
    const keys = []
    for await (const { key } of store.list('artifacts', '', signal)) keys.push(key)
    expect(keys).toEqual([ref.key])
  })

  it('leaves the old object or the whole new one when its process is killed at any instant', async () => {
    const { store, root } = await openStore()
    const bodies = ['a', 'b'].map((letter) => Buffer.alloc(2_000_000, letter))
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines = createInterface(child.stdout)
      let written = 0
      for await (const _ of lines) if (++written > round * 3) break
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      const proofs = await Promise.all(bodies.map((it) => store.prove(ref, factsOf(it), signal)))
      expect(proofs.filter((proof) => proof !== undefined)).toHaveLength(1)
    }
  })
})

const WRITER = `
  const { openDirectoryStore } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
  const { createHash } = await import('node:crypto')
  const { crc32 } = await import('node:zlib')
  const store = openDirectoryStore(process.argv[1])
  const signal = new AbortController().signal
  for (let i = 0; ; i++) {
    const body = Buffer.alloc(2_000_000, 'ab'[i % 2])
    const sha256 = createHash('sha256').update(body).digest('hex')
    const facts = { size: body.length, sha256, crc32: crc32(body), contentType: 'x/y' }
    await store.put(${JSON.stringify(ref)}, body, facts, { precondition: { kind: 'none' }, signal })
    console.log(i)
  }
`

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort()
}

async function errorOf(call: Promise<unknown>): Promise<LadingError> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(LadingError)
  return error as LadingError
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).code
}
