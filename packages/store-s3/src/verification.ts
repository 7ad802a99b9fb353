import type { ObjectFacts, ObjectRef, StoredObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { S3Context } from './context.ts'
import { sameEtag } from './etags.ts'
import { type Seen, see } from './head.ts'
import { holdsFacts } from './read-back.ts'

/**
 * Whether the object at a key is the one that was accepted. Three witnesses, strongest first:
 *
 * 1. the checksum that the store took of the bytes it keeps (full-object, or of the parts' checksums);
 * 2. its ETag, where that is an MD5 and the MD5 of what was sent is known;
 * 3. the bytes themselves, read back and hashed.
 *
 * A resolved promise and a 200 are none. Size, and the SHA-256 written beside the object, can only refute: two files
 * of one size can be made to share a CRC-32, and the store's word on a stale key must not pass for the newer file.
 */
export type Verdict =
  | { readonly is: 'absent' }
  | { readonly is: 'other'; readonly why: string }
  | { readonly is: 'same'; readonly object: StoredObject }

/** What the writer itself knows beyond the facts; computed only when it is needed. */
export interface Evidence {
  /** ETag that an unencrypted object of these bytes has. */
  readonly md5Etag?: () => string | undefined
  /** Checksum of the parts' checksums. */
  readonly compositeCrc32?: () => string | undefined
}

export async function verify(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  evidence: Evidence,
  signal: AbortSignal,
): Promise<Verdict> {
  const seen = await see(s3, ref, signal)
  if (seen === undefined) return { is: 'absent' }
  const judged = judge(seen, facts, evidence, s3.traits.of(ref.bucket).md5Etags)
  if (judged !== undefined) return judged
  return (await holdsFacts(s3, ref, seen.etag, facts, signal))
    ? same(seen, 'read-back')
    : other('its bytes, read back, have another digest')
}

/** After a write that the store acknowledged: the object, or `store_object_mismatch`. */
export async function proveWritten(
  s3: S3Context,
  ref: ObjectRef,
  facts: ObjectFacts,
  written: Evidence & { readonly etag: string | undefined },
  signal: AbortSignal,
): Promise<StoredObject> {
  const verdict = await verify(s3, ref, facts, written, signal)
  switch (verdict.is) {
    case 'absent':
      throw mismatch(ref, 'the store acknowledged the write, and has no such object')
    case 'other':
      throw mismatch(ref, verdict.why)
    case 'same':
      if (written.etag !== undefined && !sameEtag(written.etag, verdict.object.etag))
        throw mismatch(ref, `the store named the ETag ${written.etag} and has ${verdict.object.etag}`)
      return verdict.object
    default:
      return verdict satisfies never
  }
}

/** What the store's own words decide; `undefined` when only the bytes can tell. */
export function judge(
  seen: Seen,
  facts: ObjectFacts,
  evidence: Evidence,
  md5Etags: boolean | undefined,
): Verdict | undefined {
  if (seen.size !== facts.size) return other(`it has ${seen.size} bytes, not ${facts.size}`)
  if (seen.declaredSha256 !== undefined && seen.declaredSha256 !== facts.sha256)
    return other('it was written with another SHA-256')
  if (seen.crc32 !== undefined)
    return seen.crc32 === facts.crc32 ? same(seen, 'checksum') : other('the store reports another CRC-32')
  const composite = evidence.compositeCrc32?.()
  if (composite !== undefined && seen.compositeCrc32 === composite) return same(seen, 'checksum')
  return judgeEtag(seen, evidence, md5Etags)
}

function judgeEtag(seen: Seen, evidence: Evidence, md5Etags: boolean | undefined): Verdict | undefined {
  if (seen.opaqueEtag) return undefined
  const md5 = evidence.md5Etag?.()
  if (md5 === undefined) return undefined
  if (sameEtag(seen.etag, md5)) return same(seen, 'etag')
  return md5Etags === true ? other(`its ETag is ${seen.etag}, not the MD5 ${md5}`) : undefined
}

export function mismatch(ref: ObjectRef, why: string): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `The object at s3://${ref.bucket}/${ref.key} is not the file that was accepted: ${why}. It is sent again.`,
  )
}

function same(seen: Seen, proof: StoredObject['proof']): Verdict {
  return { is: 'same', object: { etag: seen.etag, proof } }
}

function other(why: string): Verdict {
  return { is: 'other', why }
}
