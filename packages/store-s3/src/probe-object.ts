import { createHash } from 'node:crypto'
import {
  type Crc32,
  crc32Of,
  type ObjectFacts,
  type ObjectRef,
  type PartReceipt,
  type Precondition,
  type Sha256Hex,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import { cleared } from './clearing.ts'
import type { S3Context } from './context.ts'
import { abortUpload, createUpload } from './multipart.ts'
import { uploadPart } from './parts.ts'

export const NONE: Precondition = { kind: 'none' }
export const BODY = Buffer.from('Lading asks what this store verifies. This object can be deleted.\n')
export const FACTS: ObjectFacts = {
  size: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex') as Sha256Hex,
  crc32: crc32Of(BODY),
  contentType: 'text/plain',
}
export const WRONG: ObjectFacts = { ...FACTS, crc32: (~FACTS.crc32 >>> 0) as Crc32 }

/** Leaves no upload behind, whatever becomes of it. */
export async function withUpload<T>(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
  work: (uploadId: string, parts: PartReceipt[]) => Promise<T>,
): Promise<T> {
  const uploadId = await createUpload(s3, ref, FACTS, signal)
  const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
  return await cleared(
    async () => await work(uploadId, [await uploadPart(s3, ref, uploadId, part, signal)]),
    (signal) => abortUpload(s3, ref, uploadId, signal),
    signal,
  )
}

/** What a call resolves with, or the error by which the store refused it. */
export async function refusalOf<T>(call: Promise<T>): Promise<T | LadingError> {
  try {
    return await call
  } catch (error) {
    if (error instanceof LadingError) return error
    throw error
  }
}
