import { randomUUID } from 'node:crypto'
import { link, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectFacts, ObjectRef, Precondition, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified, hasErrno, isAbsent } from './errors.ts'
import { currentEtag, prove } from './objects.ts'
import { syncDirectories } from './syncing.ts'

const TRIES = 5

/**
 * Has a file made out of sight, flushed and proven, and renames it to its key: at every instant the key holds nothing,
 * the object before, or the whole new one. The bytes and the name are on the disk when it resolves. `make` is given
 * the file's path and resolves with its ETag.
 */
export async function publish(
  store: DirectoryContext,
  ref: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
  make: (temporary: string) => Promise<string>,
): Promise<StoredObject> {
  const path = store.layout.object(ref)
  return await classified(`Writing ${path}`, async () => {
    const temporary = join(store.layout.tmp, randomUUID())
    try {
      const etag = await make(temporary)
      return await store.locks.hold(path, async () => {
        let highest: string | undefined
        while (highest === undefined) {
          const there = await permit(path, ref, facts, options)
          if (there !== undefined) return there
          highest = await expose(temporary, path, options.precondition)
        }
        await syncDirectories(dirname(path), highest)
        return { etag, proof: 'read-back' as const }
      })
    } catch (error) {
      throw options.signal.aborted ? options.signal.reason : error
    } finally {
      await rm(temporary, { force: true })
    }
  })
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

function changed(ref: ObjectRef, found: string | undefined): LadingError {
  const holds = found === undefined ? 'nothing' : `an object with the ETag ${found}`
  return new LadingError(
    'store_precondition_failed',
    `The key ${ref.bucket}/${ref.key} holds ${holds} by now.`,
  )
}
