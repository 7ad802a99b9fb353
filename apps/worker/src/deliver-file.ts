import { BLOCK_SIZE, type WrittenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { adoptPack } from './adopt-pack.ts'
import type { WorkerContext } from './context.ts'
import { copyFile } from './copy-file.ts'
import type { FileDelivery, PackedDelivery } from './file-delivery.ts'
import { uploadInParts } from './multipart-file.ts'
import { putFile } from './put-file.ts'
import { readFile } from './read-slice.ts'

/**
 * Carries one file to the store, and proves it there unless that is better done for many at once. Rejects when it was
 * not carried, with a `LadingError` or a signal's reason.
 */
export async function deliverFile(context: WorkerContext, delivery: FileDelivery): Promise<WrittenObject> {
  const { file, upload, object: ref, facts } = delivery
  if (!hasPack(delivery)) return await copyFile(context, delivery)
  const inOneRequest = file.size <= BLOCK_SIZE && upload === undefined
  if (inOneRequest) return await putFile(context, delivery, (target) => readFile(delivery.pack, file, target))
  const stored = (await adoptPack(context, delivery)) ?? (await uploadInParts(context, delivery))
  return { ref, facts, ...stored }
}

function hasPack(delivery: FileDelivery): delivery is PackedDelivery {
  return delivery.pack !== undefined
}

/** The error as the table knows it: a fault of this code is `internal`, and may pass. What it was, the log has. */
export function asLadingError(error: unknown): LadingError {
  if (error instanceof LadingError) return error
  return new LadingError('internal', 'the worker failed; its log has the cause under the id of the job', {
    cause: error,
  })
}
