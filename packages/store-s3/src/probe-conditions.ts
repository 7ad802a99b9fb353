import type { ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { complete } from './complete.ts'
import type { S3Context } from './context.ts'
import { copyObject } from './copy-object.ts'
import { BODY, FACTS, refusalOf, withUpload } from './probe-object.ts'
import { putObject } from './put.ts'
import type { Traits } from './traits.ts'

/** Each of these must be refused, because the object is there and has another ETag. */
const UNMET = [{ kind: 'absent' }, { kind: 'etag', etag: `"${'0'.repeat(32)}"` }] as const

export async function askForConditions(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  for (const precondition of UNMET) {
    if (!(await isHeld(putObject(s3, ref, BODY, FACTS, { precondition, signal }))))
      return { conditionalWrites: false }
    const held = await withUpload(s3, ref, signal, (uploadId, parts) =>
      isHeld(complete(s3, ref, uploadId, parts, FACTS, { precondition, signal })),
    )
    if (!held) return { conditionalWrites: false }
  }
  return { conditionalWrites: true }
}

/** The object is copied onto itself. Many stores take the headers and ignore them (versitygw 1.8). */
export async function askForConditionsOfCopies(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  // Whatever else a store says to a copy, it is asked for none.
  const asking = { ...s3, traits: s3.traits.assuming(ref.bucket, { conditionalCopies: true }) }
  for (const precondition of UNMET) {
    const options = { precondition, signal }
    const result = await refusalOf(
      copyObject(asking, { ref, etag: undefined, proven: false }, ref, FACTS, options),
    )
    if (result instanceof LadingError && result.code === 'store_unavailable') throw result
    const held = result instanceof LadingError && result.code === 'store_precondition_failed'
    if (!held) return { conditionalCopies: false }
  }
  return { conditionalCopies: true }
}

async function isHeld(write: Promise<unknown>): Promise<boolean> {
  const result = await refusalOf(write)
  if (!(result instanceof LadingError) || result.code === 'store_rejected') return false
  if (result.code === 'store_precondition_failed') return true
  throw result
}
