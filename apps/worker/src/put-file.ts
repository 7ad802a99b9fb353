import type { DeliverableFile } from '@lading/catalog'
import type { ObjectFacts, PackReader, Precondition, StoredObject } from '@lading/core'
import type { WorkerContext } from './context.ts'
import { writeFenced } from './precondition.ts'
import { readFile } from './read-slice.ts'

/** Delivers a file in one request. */
export async function putFile(
  { store, memory }: WorkerContext,
  pack: PackReader,
  file: DeliverableFile,
  facts: ObjectFacts,
  expected: Precondition,
  signal: AbortSignal,
): Promise<StoredObject> {
  const loan = await memory.borrow(file.size, signal)
  try {
    await readFile(pack, file, loan.buffer)
    return await writeFenced(store, file, facts, expected, signal, (precondition) =>
      store.put(file.object, loan.buffer, facts, { precondition, signal }),
    )
  } finally {
    loan.release()
  }
}
