import type { ObjectStore, Precondition, StoredObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { FileDelivery } from './file-delivery.ts'

const TRIES = 3

/**
 * Runs a conditional write. This worker alone may write the key, so where the condition does not hold, a predecessor
 * did: its write is this file's own (an earlier attempt whose answer was lost), or that of one which died before its
 * commit. Then what lies there becomes the condition, once the catalog has confirmed that the key is still ours: a
 * worker that slept through its lease finds a successor's object there, and must not take that for a dead one's. Whoever
 * writes after the confirmation changes the ETag that was seen before it.
 */
export async function writeFenced<T>(
  store: ObjectStore,
  delivery: FileDelivery,
  write: (precondition: Precondition) => Promise<T>,
): Promise<T | StoredObject> {
  const { object, facts, signals } = delivery
  let precondition = delivery.expected
  for (let tries = 1; ; tries++) {
    delivery.checkLease()
    try {
      return await write(precondition)
    } catch (error) {
      const changed = error instanceof LadingError && error.code === 'store_precondition_failed'
      if (!changed || tries === TRIES) throw error
      const own = await store.prove(object, facts, signals.patient)
      if (own) return own
      const head = await store.head(object, signals.patient)
      await delivery.confirm()
      precondition = head ? { kind: 'etag', etag: head.etag } : { kind: 'absent' }
    }
  }
}
