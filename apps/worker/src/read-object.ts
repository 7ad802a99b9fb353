import { createHash } from 'node:crypto'
import type { CopySource } from '@lading/catalog'
import type { ObjectFacts, ObjectStore } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * Reads a whole object into `target`, which is as long as the object should be, and checks that it is what the catalog
 * says. Fails with `store_object_missing`, `store_precondition_failed` or `store_object_mismatch` when it is not.
 */
export async function readObject(
  store: ObjectStore,
  { object, etag }: CopySource,
  { sha256 }: ObjectFacts,
  target: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const { body, length } = await store.get(object, { ifMatch: etag, signal })
  try {
    if (length !== target.length) throw mismatch(store.uri(object))
    let filled = 0
    for await (const chunk of body as AsyncIterable<Buffer>) filled += chunk.copy(target, filled)
    if (filled !== target.length || createHash('sha256').update(target).digest('hex') !== sha256)
      throw mismatch(store.uri(object))
  } finally {
    body.destroy()
  }
}

function mismatch(uri: string): LadingError {
  return new LadingError('store_object_mismatch', `${uri} does not have the bytes that were stored there`)
}
