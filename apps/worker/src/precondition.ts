import type { DeliverableFile } from '@lading/catalog'
import type { ObjectFacts, ObjectStore, Precondition, StoredObject } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * Runs a conditional write. This worker alone may write the key, so where the condition does not hold, a predecessor
 * did: its write is this file's own (an earlier attempt whose answer was lost), or that of one which died before its
 * commit. Then what lies there now is the condition, which a writer that wakes up late does not know.
 */
export async function writeFenced(
  store: ObjectStore,
  file: DeliverableFile,
  facts: ObjectFacts,
  expected: Precondition,
  signal: AbortSignal,
  write: (precondition: Precondition) => Promise<StoredObject>,
): Promise<StoredObject> {
  let precondition = expected
  for (let tries = 1; ; tries++) {
    try {
      return await write(precondition)
    } catch (error) {
      if (!(error instanceof LadingError) || error.code !== 'store_precondition_failed' || tries >= 3)
        throw error
      const own = await store.prove(file.object, facts, signal)
      if (own) return own
      const head = await store.head(file.object, signal)
      precondition = head ? { kind: 'etag', etag: head.etag } : { kind: 'absent' }
    }
  }
}
