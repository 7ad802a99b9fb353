import type { ObjectFacts, ObjectRef, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { S3Context } from './context.ts'
import { isNotImplemented } from './errors.ts'
import { type Evidence, verify } from './verification.ts'

/** A write of bytes that this process has. */
export async function writeConditionally(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  evidence: Evidence,
  options: WriteOptions,
  write: () => Promise<StoredObject>,
): Promise<StoredObject> {
  return await orAlreadyThere(s3, ref, facts, evidence, options, async () => {
    try {
      return await write()
    } catch (error) {
      throw orReplaced(error, ref)
    }
  })
}

/**
 * Puts right what the answers to a write can get wrong:
 *
 * - an earlier try took effect and its answer was lost, so that the precondition no longer holds, or the upload is
 *   gone, or the object to be copied: what lies at the key decides;
 * - the store has no conditional writes, and says so with a 501: it is remembered, and the write goes without.
 */
export async function orAlreadyThere(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  evidence: Evidence,
  { precondition, signal }: WriteOptions,
  write: () => Promise<StoredObject>,
): Promise<StoredObject> {
  try {
    return await write()
  } catch (error) {
    const conditional = precondition.kind !== 'none' && s3.traits.of(ref.bucket).conditionalWrites !== false
    if (conditional && isNotImplemented(error)) {
      s3.traits.learn(ref.bucket, { conditionalWrites: false })
      return await write()
    }
    if (!(error instanceof LadingError) || !MAY_HAVE_TAKEN_EFFECT.has(error.code)) throw error
    const verdict = await verify(s3, ref, facts, evidence, signal)
    if (verdict.is === 'same') return verdict.object
    throw error
  }
}

const MAY_HAVE_TAKEN_EFFECT: ReadonlySet<string> = new Set([
  'store_precondition_failed',
  'store_upload_gone',
  'store_object_missing',
])

/** S3 answers `If-Match` on a key that holds nothing with NoSuchKey instead of a 412. */
export function orReplaced(error: unknown, ref: ObjectRef): unknown {
  if (!(error instanceof LadingError) || error.code !== 'store_object_missing') return error
  return new LadingError(
    'store_precondition_failed',
    `The object at s3://${ref.bucket}/${ref.key} that was to be replaced is no longer there.`,
    { cause: error.cause },
  )
}
