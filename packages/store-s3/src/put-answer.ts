import type { ObjectFacts, StoredObject } from '@lading/core'
import { fullCrc32 } from './checksums.ts'
import type { PutReply } from './direct-object.ts'
import { md5Etag, sameEtag } from './etags.ts'
import type { Traits } from './traits.ts'

/** Above it (bytes), taking the MD5 costs more than it saves. */
const WORTH_AN_MD5 = 1024 * 1024

/**
 * Whether the answer to a Put already says all that HeadObject would be asked for: the checksum, the size, and the ETag
 * by which the object is known from then on. It counts where the probe saw that the store computes what it says, and
 * refuses what is not so; an answer that leaves anything out, as AWS's leaves out the size, or that says anything else,
 * proves nothing here, and HeadObject decides. Reasons and prices: docs/decisions/0010-proof-of-a-put.md
 */
export function provenByAnswer(
  { verifiesChecksums, keepsChecksums, md5Etags }: Traits,
  answer: PutReply,
  body: Buffer,
  facts: ObjectFacts,
): StoredObject | undefined {
  const { ETag: etag, Size: size } = answer
  if (verifiesChecksums !== true || keepsChecksums !== true || md5Etags !== true) return undefined
  if (etag === undefined || size !== facts.size || fullCrc32(answer) !== facts.crc32) return undefined
  if (size > WORTH_AN_MD5 || !sameEtag(etag, md5Etag(body))) return undefined
  return { etag, proof: 'checksum' }
}

/**
 * Whether the answer says that the store has received the right bytes, and by which ETag it knows them. That it keeps as
 * many is still to be asked: AWS's general purpose buckets answer so.
 */
export function saysAllButTheSize(
  { verifiesChecksums, keepsChecksums }: Traits,
  answer: PutReply,
  facts: ObjectFacts,
): answer is PutReply & { readonly ETag: string } {
  const computes = verifiesChecksums === true && keepsChecksums === true
  return (
    computes && answer.ETag !== undefined && answer.Size === undefined && fullCrc32(answer) === facts.crc32
  )
}
