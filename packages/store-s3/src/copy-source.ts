import type { ObjectFacts, ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { S3Context } from './context.ts'
import { sameEtag } from './etags.ts'
import { see } from './head.ts'
import { judge, mismatch } from './verification.ts'

export interface CopySource {
  readonly ref: ObjectRef
  /** Only the object that has it is copied; undefined: whatever is there. */
  readonly etag: string | undefined
  /** The checksum that the store keeps of it is that of the facts. */
  readonly proven: boolean
  /** MD5 of its bytes, where its ETag is one, and is the ETag by which the caller knows the object of these facts. */
  readonly md5?: string | undefined
}

/**
 * Looks at what is to be copied, so that another object than the one that was meant is refused before it replaces
 * anything, and so that all requests of the copy copy the same one.
 */
export async function findSource(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  { ifMatch, signal }: { readonly ifMatch?: string; readonly signal: AbortSignal },
): Promise<CopySource> {
  const seen = await see(s3, ref, signal)
  if (seen === undefined)
    throw new LadingError('store_object_missing', `There is no object at ${uri(ref)} to be copied.`)
  if (ifMatch !== undefined && !sameEtag(seen.etag, ifMatch))
    throw new LadingError(
      'store_precondition_failed',
      `The object at ${uri(ref)} has the ETag ${seen.etag}, not ${ifMatch}: it was replaced, and is not copied.`,
    )
  const judged = judge(seen, facts, {}, undefined)
  if (judged?.is === 'other') throw mismatch(ref, judged.why)
  const isMd5 = s3.traits.of(ref.bucket).md5Etags === true && !seen.opaqueEtag
  const md5 = isMd5 ? /^"?([0-9a-f]{32})"?$/.exec(ifMatch ?? '')?.[1] : undefined
  return { ref, etag: seen.etag, proven: judged?.is === 'same', md5 }
}

/** The headers that name it. Keys are encoded by segment; "+" would pass for a space. */
export function copySource({ ref, etag }: CopySource) {
  const key = ref.key.split('/').map(encodeURIComponent).join('/')
  return {
    CopySource: `${ref.bucket}/${key}`,
    ...(etag === undefined ? {} : { CopySourceIfMatch: etag }),
  }
}

function uri({ bucket, key }: ObjectRef): string {
  return `s3://${bucket}/${key}`
}
