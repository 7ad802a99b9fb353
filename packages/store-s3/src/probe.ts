import { createHash, randomUUID } from 'node:crypto'
import type { Crc32, ObjectFacts, ObjectRef, Precondition, Sha256Hex, StoreCapabilities } from '@lading/core'
import { crc32Of } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { complete } from './complete.ts'
import type { S3Context } from './context.ts'
import { md5Etag, multipartEtag, sameEtag } from './etags.ts'
import { see } from './head.ts'
import { abortUpload, createUpload, uploadPart } from './multipart.ts'
import { putObject } from './put.ts'
import { remove } from './remove.ts'
import { capabilities, KnownTraits, type Traits } from './traits.ts'

/** Long enough for a slow store, short enough for a stop (milliseconds). */
const CLEAN_UP_MS = 10_000

const NONE: Precondition = { kind: 'none' }
const BODY = Buffer.from('Lading asks what this store verifies. This object can be deleted.\n')
const FACTS: ObjectFacts = {
  size: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex') as Sha256Hex,
  crc32: crc32Of(BODY),
  contentType: 'text/plain',
}
const WRONG: ObjectFacts = { ...FACTS, crc32: (~FACTS.crc32 >>> 0) as Crc32 }

/** Finds out what a bucket's store verifies, by lying to it a little, and remembers it for the writes that follow. */
export async function probe(
  s3: S3Context,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): Promise<StoreCapabilities> {
  const ref = { bucket, key: `${prefix}.lading-probe-${randomUUID()}` }
  // Writes that run meanwhile go by what is known so far.
  const asking = { ...s3, traits: new KnownTraits() }
  try {
    for (const question of [askWhetherItVerifies, askWhatItReports, askForConditions])
      asking.traits.learn(bucket, await question(asking, ref, signal))
  } finally {
    await remove(s3, ref, { signal: AbortSignal.timeout(CLEAN_UP_MS) })
  }
  s3.traits.learn(bucket, asking.traits.of(bucket))
  return capabilities(s3.traits.of(bucket))
}

async function askWhetherItVerifies(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  const refusal = await refusalOf(putObject(s3, ref, BODY, WRONG, { precondition: NONE, signal }))
  if (refusal === undefined) return { verifiesChecksums: false }
  if (refusal.code === 'store_checksum_mismatch') return { verifiesChecksums: true }
  if (refusal.code === 'store_rejected') return { verifiesChecksums: false, takesChecksums: false }
  throw refusal
}

/** Writes the object twice, whole and in one part, and compares what the store then says of it. */
async function askWhatItReports(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  // A store that took the wrong checksum may repeat it; whether it does shows while the object is there.
  const parrot = (await see(s3, ref, signal))?.crc32 === WRONG.crc32
  await putObject(s3, ref, BODY, FACTS, { precondition: NONE, signal })
  const whole = await see(s3, ref, signal)
  const { uploadId, parts } = await beginUpload(s3, ref, signal)
  await complete(s3, ref, uploadId, parts, FACTS, { precondition: NONE, signal })
  const joined = await see(s3, ref, signal)
  if (whole === undefined || joined === undefined) throw vanished(ref)
  const opaque = whole.opaqueEtag || joined.opaqueEtag
  return {
    reportsChecksums: !parrot && whole.crc32 === FACTS.crc32 && joined.crc32 === FACTS.crc32,
    md5Etags:
      !opaque && sameEtag(whole.etag, md5Etag(BODY)) && sameEtag(joined.etag, multipartEtag(parts) ?? ''),
  }
}

/** Each of these must be refused, because the object is there and has another ETag. */
async function askForConditions(
  s3: S3Context,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<Partial<Traits>> {
  const etag = `"${'0'.repeat(32)}"`
  for (const precondition of [{ kind: 'absent' }, { kind: 'etag', etag }] as const) {
    if (!(await isHeld(putObject(s3, ref, BODY, FACTS, { precondition, signal }))))
      return { conditionalWrites: false }
    const { uploadId, parts } = await beginUpload(s3, ref, signal)
    const held = await isHeld(complete(s3, ref, uploadId, parts, FACTS, { precondition, signal }))
    await abortUpload(s3, ref, uploadId, signal)
    if (!held) return { conditionalWrites: false }
  }
  return { conditionalWrites: true }
}

async function beginUpload(s3: S3Context, ref: ObjectRef, signal: AbortSignal) {
  const uploadId = await createUpload(s3, ref, FACTS, signal)
  try {
    const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
    return { uploadId, parts: [await uploadPart(s3, ref, uploadId, part, signal)] }
  } catch (error) {
    await abortUpload(s3, ref, uploadId, AbortSignal.timeout(CLEAN_UP_MS))
    throw error
  }
}

async function isHeld(write: Promise<unknown>): Promise<boolean> {
  const refusal = await refusalOf(write)
  if (refusal === undefined || refusal.code === 'store_rejected') return false
  if (refusal.code === 'store_precondition_failed') return true
  throw refusal
}

async function refusalOf(write: Promise<unknown>): Promise<LadingError | undefined> {
  try {
    await write
    return undefined
  } catch (error) {
    if (error instanceof LadingError) return error
    throw error
  }
}

function vanished(ref: ObjectRef): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `The object at s3://${ref.bucket}/${ref.key} was acknowledged by the store, and is not there.`,
  )
}
