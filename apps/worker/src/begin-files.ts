import type { Beginning, LeftUpload } from '@lading/catalog'
import { abortLeftUpload } from './abort-upload.ts'
import type { Attempt } from './attempt.ts'
import type { WorkerContext } from './context.ts'
import { asLadingError } from './deliver-file.ts'
import { persistently } from './persistently.ts'

/**
 * Asks for all files of the work at once, and once more for those whose key a dead writer had left, perhaps in the
 * middle of an upload. A file that has ended meanwhile, or whose key could not be cleared, has no answer.
 */
export async function beginFiles(
  context: WorkerContext,
  attempt: Attempt,
): Promise<ReadonlyMap<string, Beginning>> {
  const beginnings = await begin(
    context,
    attempt,
    attempt.work.files.map((file) => file.fileId),
  )
  const cleared: string[] = []
  for (const beginning of beginnings.values()) {
    if (beginning.verdict !== 'clear') continue
    beginnings.delete(beginning.fileId)
    try {
      await clear(context, beginning.leftBy, attempt.letGo)
      cleared.push(beginning.fileId)
    } catch (error) {
      if (!attempt.letGo.aborted) attempt.failed(beginning.fileId, asLadingError(error))
    }
  }
  if (cleared.length === 0) return beginnings
  return new Map([...beginnings, ...(await begin(context, attempt, cleared))])
}

async function begin(
  context: WorkerContext,
  { work, lease }: Attempt,
  fileIds: readonly string[],
): Promise<Map<string, Beginning>> {
  const answers = await persistently(context, lease.lost, () =>
    context.catalog.delivery.begin(work.ticket, fileIds),
  )
  return new Map(answers.map((answer) => [answer.fileId, answer]))
}

/** A superseded file's upload is aborted before the newer file's begins. */
async function clear(context: WorkerContext, leftBy: LeftUpload, signal: AbortSignal): Promise<void> {
  await abortLeftUpload(context, leftBy, signal)
  await context.catalog.delivery.settleLeft(leftBy.fileId)
}
