import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectFacts, ObjectRef, Precondition, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { classified } from './errors.ts'
import type { KeyLocks } from './key-locks.ts'
import type { Layout } from './layout.ts'
import { holdsFacts } from './proof.ts'
import { etagOf, stamp } from './versions.ts'

/** What every operation of the store works with. */
export interface DirectoryContext {
  readonly layout: Layout
  readonly locks: KeyLocks
}

const TRIES = 5

/**
 * Writes a file out of sight, proves it, and renames it to its key: at every instant the key holds nothing, the object
 * before, or the whole new one. The bytes and the name are on the disk when it resolves.
 */
export async function publish(
  store: DirectoryContext,
  ref: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
  write: (file: FileHandle) => Promise<void>,
): Promise<StoredObject> {
  const path = store.layout.object(ref)
  return await classified(`Writing ${path}`, async () => {
    const temporary = join(store.layout.tmp, randomUUID())
    try {
      const etag = await writeTemporary(temporary, ref, facts, options.signal, write)
      return await store.locks.hold(path, async () => {
        let highest: string | undefined
        while (highest === undefined) {
          const there = await permit(path, ref, facts, options)
          if (there !== undefined) return there
          highest = await expose(temporary, path, options.precondition)
        }
        await sync(dirname(path), highest)
        return { etag, proof: 'read-back' as const }
      })
    } catch (error) {
      throw options.signal.aborted ? options.signal.reason : error
    } finally {
      await rm(temporary, { force: true })
    }
  })
}

/** Proves that the file at a key has these facts; `undefined` when there is none, or another. */
export async function prove(
  path: string,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const file = await openObject(path)
  if (file === undefined) return undefined
  try {
    const etag = etagOf(await file.stat({ bigint: true }))
    return (await holdsFacts(file, facts, signal)) ? { etag, proof: 'read-back' } : undefined
  } finally {
    await file.close()
  }
}

/** Opens the object at a path; `undefined` when there is none. A directory is none, as on S3. */
export async function openObject(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle
  try {
    // A pipe that someone put there must not keep the caller waiting for its other end.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return undefined
}

export function isAbsent(error: unknown): boolean {
  return hasErrno(error, 'ENOENT', 'ENOTDIR')
}

function hasErrno(error: unknown, ...errnos: string[]): boolean {
  return error instanceof Error && errnos.includes((error as NodeJS.ErrnoException).code ?? '')
}

async function writeTemporary(
  temporary: string,
  ref: ObjectRef,
  facts: ObjectFacts,
  signal: AbortSignal,
  write: (file: FileHandle) => Promise<void>,
): Promise<string> {
  const file = await open(temporary, 'wx+', 0o644)
  try {
    await write(file)
    await stamp(file)
    await file.sync()
    if (!(await holdsFacts(file, facts, signal))) throw mismatch(ref)
    return etagOf(await file.stat({ bigint: true }))
  } finally {
    await file.close()
  }
}

/** Throws unless the precondition holds, or an earlier call with the same bytes broke it: then that call's object. */
async function permit(
  path: string,
  ref: ObjectRef,
  facts: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<StoredObject | undefined> {
  signal.throwIfAborted()
  if (precondition.kind === 'none') return undefined
  const found = await currentEtag(path)
  if (found === (precondition.kind === 'absent' ? undefined : precondition.etag)) return undefined
  const there = await prove(path, facts, signal)
  if (there !== undefined) return there
  throw changed(ref, found)
}

export async function currentEtag(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path, { bigint: true })
    return stats.isFile() ? etagOf(stats) : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Resolves with the highest directory that has a new entry, or to nothing when another process took the name. */
async function expose(
  temporary: string,
  path: string,
  precondition: Precondition,
): Promise<string | undefined> {
  for (let tried = 1; ; tried++) {
    // `delete` clears away a directory that it left empty, perhaps between these two calls.
    const created = await mkdir(dirname(path), { recursive: true })
    try {
      // A link takes no name that is taken, so that `absent` holds against other processes too.
      if (precondition.kind === 'absent') await link(temporary, path)
      else await rename(temporary, path)
      return created === undefined ? dirname(path) : dirname(created)
    } catch (error) {
      if (hasErrno(error, 'EEXIST') && (await currentEtag(path)) !== undefined) return undefined
      if (!isAbsent(error) || tried === TRIES) throw error
    }
  }
}

/** Makes names durable: in the lowest directory, and in those above it up to the one that holds the first new one. */
async function sync(lowest: string, highest: string): Promise<void> {
  for (let directory = lowest; ; directory = dirname(directory)) {
    const handle = await open(directory, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (directory === highest) return
  }
}

function changed(ref: ObjectRef, found: string | undefined): LadingError {
  const holds = found === undefined ? 'nothing' : `an object with the ETag ${found}`
  return new LadingError(
    'store_precondition_failed',
    `The key ${ref.bucket}/${ref.key} holds ${holds} by now.`,
  )
}

function mismatch(ref: ObjectRef): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `What was written for ${ref.bucket}/${ref.key}, read back, is not the file that was accepted. It is sent again.`,
  )
}
