import type { WrittenObject } from '@lading/core'
import type { WorkerContext } from './context.ts'
import type { PackedDelivery } from './file-delivery.ts'
import { readFile } from './read-slice.ts'
import { writeFenced } from './write-fenced.ts'

/** Delivers a file in one request, whose proof may be left to `proveWritten`. */
export async function putFile(
  { store, memory }: WorkerContext,
  delivery: PackedDelivery,
): Promise<WrittenObject> {
  const { file, object, facts, pack, signals } = delivery
  const loan = await memory.borrow(file.size, signals.prompt)
  try {
    await readFile(pack, file, loan.buffer)
    signals.prompt.throwIfAborted()
    const written = await writeFenced(store, delivery, (precondition) =>
      store.write(object, loan.buffer, facts, { precondition, signal: signals.patient }),
    )
    return { ref: object, facts, ...written }
  } finally {
    loan.release()
  }
}
