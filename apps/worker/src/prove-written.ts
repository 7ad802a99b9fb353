import { LadingError } from '@lading/protocol'
import type { Attempt } from './attempt.ts'
import type { WorkerContext } from './context.ts'

/** Proves, all at once, what the attempt has written and nothing has proven yet. A file without a proof is not stored. */
export async function proveWritten({ store }: WorkerContext, attempt: Attempt): Promise<void> {
  const { unproven, letGo } = attempt
  if (unproven.size === 0 || letGo.aborted) return
  try {
    const answers = await store.proveWritten([...unproven.values()], letGo)
    for (const [index, [fileId, { ref }]] of [...unproven].entries()) {
      const answer = answers[index]
      if (answer instanceof LadingError) attempt.failed(fileId, answer)
      else if (answer !== undefined) attempt.stored(fileId, { ref, etag: answer.etag })
    }
  } catch (error) {
    if (!letGo.aborted) throw error
  }
}
