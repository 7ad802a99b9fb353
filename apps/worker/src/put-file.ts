import type { WrittenObject } from '@lading/core'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { writeFenced } from './write-fenced.ts'

/** Delivers a file, as `read` gives its bytes, in one request, whose proof may be left to `proveWritten`. */
export async function putFile(
  { store, memory }: WorkerContext,
  delivery: FileDelivery,
  read: (target: Buffer) => Promise<void>,
): Promise<WrittenObject> {
  const { file, object, facts, signals } = delivery
  const loan = await memory.borrow(file.size, signals.prompt)
  try {
    await read(loan.buffer)
    signals.prompt.throwIfAborted()
    const written = await writeFenced(store, delivery, (precondition) =>
      store.write(object, loan.buffer, facts, { precondition, signal: signals.patient }),
    )
    return { ref: object, facts, ...written }
  } finally {
    loan.release()
  }
}
