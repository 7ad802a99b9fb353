import type { ObjectRef, PartReceipt } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { compositeCrc32 } from './checksums.ts'
import { complete } from './complete.ts'
import type { S3Context } from './context.ts'
import { md5Etag, multipartEtag, sameEtag } from './etags.ts'
import { type Seen, see } from './head.ts'
import { BODY, FACTS, NONE, refusalOf, WRONG, withUpload } from './probe-object.ts'
import { putObject } from './put.ts'
import type { Traits } from './traits.ts'

export async function askWhetherItVerifies(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  const refusal = await refusalOf(putObject(s3, ref, BODY, WRONG, { precondition: NONE, signal }))
  if (!(refusal instanceof LadingError)) return { verifiesChecksums: false }
  if (refusal.code === 'store_checksum_mismatch') return { verifiesChecksums: true }
  if (refusal.code === 'store_rejected') return { verifiesChecksums: false, takesChecksums: false }
  throw refusal
}

/** Writes the object twice, whole and in one part, and compares what the store then says of it. */
export async function askWhatItReports(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  // A store that took the wrong checksum may repeat it; whether it does shows while the object is there.
  const parrot = (await see(s3, ref, signal))?.crc32 === WRONG.crc32
  await putObject(s3, ref, BODY, FACTS, { precondition: NONE, signal })
  const whole = await see(s3, ref, signal)
  const { parts, ...joining } = await joinParts(s3, ref, signal)
  const joined = await see(s3, ref, signal)
  if (whole === undefined || joined === undefined) throw vanished(ref)
  const composite = joined.compositeCrc32 !== undefined && joined.compositeCrc32 === compositeCrc32(parts)
  const full = joined.crc32 === FACTS.crc32
  const keeps = !parrot && whole.crc32 === FACTS.crc32
  return {
    ...joining,
    reportsChecksums: keeps && full,
    keepsChecksums: keeps && (full || composite),
    md5Etags: isMd5(whole, md5Etag(BODY)) && isMd5(joined, multipartEtag(parts)),
  }
}

/** Uploads the object in one part; where the store takes no full-object checksum at the end of it, without. */
async function joinParts(s3: S3Context, ref: ObjectRef, signal: AbortSignal) {
  const withFull = await refusalOf(join(s3, ref, signal))
  if (!(withFull instanceof LadingError)) return { parts: withFull, takesFullObject: true }
  if (withFull.code !== 'store_rejected' && withFull.code !== 'store_checksum_mismatch') throw withFull
  s3.traits.learn(ref.bucket, { takesFullObject: false })
  return { parts: await join(s3, ref, signal), takesFullObject: false }
}

async function join(s3: S3Context, ref: ObjectRef, signal: AbortSignal): Promise<PartReceipt[]> {
  return await withUpload(s3, ref, signal, async (uploadId, parts) => {
    await complete(s3, ref, uploadId, parts, FACTS, { precondition: NONE, signal })
    return parts
  })
}

function isMd5({ etag, opaqueEtag }: Seen, md5: string | undefined): boolean {
  return !opaqueEtag && md5 !== undefined && sameEtag(etag, md5)
}

function vanished(ref: ObjectRef): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `The object at s3://${ref.bucket}/${ref.key} was acknowledged by the store, and is not there.`,
  )
}
