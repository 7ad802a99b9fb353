import type { StoredObject } from '@lading/core'
import type { WorkerContext } from './context.ts'
import type { PackedDelivery } from './file-delivery.ts'
import { writeFenced } from './write-fenced.ts'

/**
 * Where the store lies on the disk of the spool, and the pack is one file and nothing else, the pack itself becomes the
 * object, and no byte is written a second time. `undefined` where it cannot, or parts of the file were sent already.
 */
export async function adoptPack(
  { store }: WorkerContext,
  delivery: PackedDelivery,
): Promise<StoredObject | undefined> {
  const { file, object, facts, pack, signals, upload } = delivery
  const { path } = pack
  if (store.adopt === undefined || path === undefined || file.packOffset !== 0 || upload !== undefined) return
  signals.prompt.throwIfAborted()
  return await writeFenced(store, delivery, async (precondition) =>
    store.adopt?.(object, path, facts, { precondition, signal: signals.patient }),
  )
}
