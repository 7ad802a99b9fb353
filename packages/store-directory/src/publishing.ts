import { randomUUID } from 'node:crypto'
import { link, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectFacts, ObjectRef, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified, hasErrno, isAbsent } from './errors.ts'
import { currentEtag, prove } from './objects.ts'
import { makeDirectory, syncDirectories } from './syncing.ts'
import { unlinkIfThere } from './unlinking.ts'

const TRIES = 5

/** Makes a file at this path, flushed and proven, and resolves with its ETag. */
export type Make = (temporary: string) => Promise<string>

/**
 * Has a file made out of sight, flushed and proven, and renames it to its key: at every instant the key holds nothing,
 * the object before, or the whole new one. The bytes and the name are on the disk when it resolves.
 */
export async function publish(
  store: DirectoryContext,
  ref: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
  make: Make,
): Promise<StoredObject> {
  const stored = await show(store, ref, facts, options, make)
  const path = store.layout.object(ref)
  await classified(`Writing ${ref.bucket}/${ref.key}`, () => syncDirectories(dirname(path), dirname(path)))
  return stored
}

/** As `publish`, but that a loss of power may take the name away again, until its directory is flushed. */
export async function show(
  store: DirectoryContext,
  ref: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
  make: Make,
): Promise<StoredObject> {
  const path = store.layout.object(ref)
  return await classified(`Writing ${ref.bucket}/${ref.key}`, async () => {
    const temporary = join(store.layout.tmp, randomUUID())
    try {
      const etag = await make(temporary)
      const there = await store.locks.hold(path, () => place(temporary, path, ref, facts, options))
      return there ?? { etag, proof: 'read-back' }
    } catch (error) {
      throw options.signal.aborted ? options.signal.reason : error
    } finally {
      await unlinkIfThere(temporary)
    }
  })
}

/** Gives the file its key; or resolves with the object there, if an earlier call with the same bytes put it there. */
async function place(
  temporary: string,
  path: string,
  ref: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject | undefined> {
  const { precondition, signal } = options
  signal.throwIfAborted()
  // A link takes no name that is taken, so that `absent` holds against other processes too, and need not be asked first.
  const give = precondition.kind === 'absent' ? link : rename
  for (let isTaken = give === rename; ; isTaken = true) {
    const there = isTaken ? await permit(path, ref, facts, options) : undefined
    if (there !== undefined || (await expose(() => give(temporary, path), path))) return there
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

/** False when another process took the name. The directories that it makes are on the disk, but for the lowest. */
async function expose(give: () => Promise<void>, path: string): Promise<boolean> {
  for (let tried = 1; ; tried++) {
    try {
      await give()
      return true
    } catch (error) {
      if (hasErrno(error, 'EEXIST') && (await currentEtag(path)) !== undefined) return false
      if (!isAbsent(error) || tried === TRIES) throw error
      // There is no directory yet; or `delete` cleared away one that it left empty.
      await makeDirectory(dirname(path))
    }
  }
}

function changed(ref: ObjectRef, found: string | undefined): LadingError {
  const holds = found === undefined ? 'nothing' : `an object with the ETag ${found}`
  return new LadingError(
    'store_precondition_failed',
    `The key ${ref.bucket}/${ref.key} holds ${holds} by now.`,
  )
}
