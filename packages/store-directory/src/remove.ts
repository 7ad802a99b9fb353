import { rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ObjectRef } from '@lading/core'
import type { DirectoryContext } from './context.ts'
import { classified } from './errors.ts'
import { currentEtag } from './objects.ts'
import { unlinkIfThere } from './unlinking.ts'

/** Removes an object, and the directories that it leaves empty: keys have no directories. */
export async function remove(
  store: DirectoryContext,
  ref: ObjectRef,
  { ifMatch, signal }: { readonly ifMatch?: string; readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted()
  const path = store.layout.object(ref)
  await classified(`Deleting ${ref.bucket}/${ref.key}`, () =>
    store.locks.hold(path, async () => {
      const etag = await currentEtag(path)
      if (etag === undefined || (ifMatch !== undefined && ifMatch !== etag)) return
      await unlinkIfThere(path)
      await removeEmpty(dirname(path), store.layout.bucket(ref.bucket))
    }),
  )
}

async function removeEmpty(lowest: string, bucket: string): Promise<void> {
  for (let directory = lowest; directory !== bucket; directory = dirname(directory)) {
    try {
      await rmdir(directory)
    } catch (error) {
      // Not empty, as a rule; and whatever else keeps an empty directory in place does no harm.
      if (error instanceof Error) return
      throw error
    }
  }
}
