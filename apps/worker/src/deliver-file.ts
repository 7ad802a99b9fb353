import type { Beginning, DeliverableFile, Outcome } from '@lading/catalog'
import {
  artifactTypeOf,
  BLOCK_SIZE,
  type ObjectFacts,
  type PackReader,
  type Precondition,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import { uploadInParts } from './multipart-file.ts'
import { putFile } from './put-file.ts'

/** Carries one file to the store and proves it there. Rejects when it was not, with a `LadingError` or the abort's reason. */
export async function deliverFile(
  context: WorkerContext,
  jobId: string,
  pack: PackReader,
  file: DeliverableFile,
  beginning: Beginning & { verdict: 'go' },
  signal: AbortSignal,
): Promise<Outcome> {
  const facts: ObjectFacts = {
    size: file.size,
    sha256: file.sha256,
    crc32: file.crc32,
    contentType: artifactTypeOf(file.path).contentType,
  }
  const expected: Precondition = beginning.replaces
    ? { kind: 'etag', etag: beginning.replaces.etag }
    : { kind: 'absent' }
  const inOneRequest = file.size <= BLOCK_SIZE && file.upload === undefined
  const stored = inOneRequest
    ? await putFile(context, pack, file, facts, expected, signal)
    : await uploadInParts(context, jobId, pack, file, facts, expected, signal)
  return { fileId: file.fileId, state: 'stored', object: file.object, etag: stored.etag }
}

/** The error as the table knows it: a fault of this code is `internal`, and may pass. */
export function asLadingError(error: unknown): LadingError {
  if (error instanceof LadingError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LadingError('internal', message, { cause: error })
}
