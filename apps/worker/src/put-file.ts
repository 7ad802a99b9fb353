import type { StoredObject } from '@lading/core'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { readFile } from './read-slice.ts'
import { writeFenced } from './write-fenced.ts'

/** Delivers a file in one request. */
export async function putFile(
  { store, memory }: WorkerContext,
  delivery: FileDelivery,
): Promise<StoredObject> {
  const { file, object, facts, pack, signals } = delivery
  const loan = await memory.borrow(file.size, signals.prompt)
  try {
    await readFile(pack, file, loan.buffer)
    signals.prompt.throwIfAborted()
    return await writeFenced(store, delivery, (precondition) =>
      store.put(object, loan.buffer, facts, { precondition, signal: signals.patient }),
    )
  } finally {
    loan.release()
  }
}
