import type { ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** For a 200 without what every S3 store says in it: a proxy's page, or an error that came too late for its status. */
export function incomplete(operation: string, ref: ObjectRef, why: string): LadingError {
  return new LadingError(
    'store_unavailable',
    `The reply to ${operation} on s3://${ref.bucket}/${ref.key} ${why}: it is not a whole answer of an S3 store.`,
  )
}
