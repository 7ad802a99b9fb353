import { BLOCK_SIZE, type StoredObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { uploadInParts } from './multipart-file.ts'
import { putFile } from './put-file.ts'

/** Carries one file to the store and proves it there. Rejects when it was not, with a `LadingError` or a signal's reason. */
export function deliverFile(context: WorkerContext, delivery: FileDelivery): Promise<StoredObject> {
  const inOneRequest = delivery.file.size <= BLOCK_SIZE && delivery.upload === undefined
  return inOneRequest ? putFile(context, delivery) : uploadInParts(context, delivery)
}

/** The error as the table knows it: a fault of this code is `internal`, and may pass. */
export function asLadingError(error: unknown): LadingError {
  if (error instanceof LadingError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LadingError('internal', message, { cause: error })
}
