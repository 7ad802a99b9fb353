import type { FileHandle } from 'node:fs/promises'
import type { ObjectFacts, ObjectRef, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { DirectoryContext } from './context.ts'
import { classified } from './errors.ts'
import { openObject, prove } from './objects.ts'
import { chunksOf } from './proof.ts'
import { publish } from './publishing.ts'
import { linked } from './second-name.ts'
import { etagOf } from './versions.ts'
import { flushAndProve, writeProven } from './writing.ts'

export type CopyOptions = WriteOptions & { readonly ifMatch?: string }

export async function copy(
  store: DirectoryContext,
  from: ObjectRef,
  to: ObjectRef,
  facts: ObjectFacts,
  options: CopyOptions,
): Promise<StoredObject> {
  const { signal, ifMatch } = options
  signal.throwIfAborted()
  const [path, target] = [store.layout.object(from), store.layout.object(to)]
  const name = `${from.bucket}/${from.key}`
  return await classified(`Copying ${name} to ${to.bucket}/${to.key}`, async () => {
    const source = await openObject(path)
    try {
      const etag = source && etagOf(await source.stat({ bigint: true }))
      if (source !== undefined && (ifMatch === undefined || ifMatch === etag))
        return await publish(store, to, facts, options, (temporary) =>
          duplicate(path, source, temporary, to, facts, signal),
        )
      // An earlier call may have taken effect, and its source have gone since.
      const there = await prove(target, facts, signal)
      if (there !== undefined) return there
      throw etag === undefined ? missing(name) : replaced(name, ifMatch, etag)
    } finally {
      await source?.close()
    }
  })
}

/**
 * A second name of the same file, where the file system can: objects are never changed in place, only replaced by
 * another file, so two names of one file stay as good as two files. It keeps its time of modification, and with it its
 * ETag: the copy has the ETag of the source, as of any object with the same bytes on S3, and must not be stamped anew.
 */
async function duplicate(
  path: string,
  source: FileHandle,
  temporary: string,
  to: ObjectRef,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<string> {
  if (await linked(path, source, temporary)) return await flushAndProve(source, to, facts, signal)
  const { size } = await source.stat()
  return await writeProven(temporary, to, facts, signal, async (file) => {
    for await (const chunk of chunksOf(source, size, signal)) await file.writeFile(chunk)
  })
}

function missing(name: string): LadingError {
  return new LadingError('store_object_missing', `There is no object at ${name} to be copied.`)
}

function replaced(name: string, wanted: string | undefined, found: string): LadingError {
  return new LadingError(
    'store_precondition_failed',
    `${name} has the ETag ${found}, not ${wanted}: it was replaced, and is not copied.`,
  )
}
