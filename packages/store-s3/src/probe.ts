import { createHash, randomUUID } from 'node:crypto'
import type {
  Crc32,
  ObjectFacts,
  ObjectRef,
  PartReceipt,
  Precondition,
  Sha256Hex,
  StoreCapabilities,
} from '@lading/core'
import { crc32Of } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { compositeCrc32 } from './checksums.ts'
import { complete } from './complete.ts'
import type { S3Context } from './context.ts'
import { md5Etag, multipartEtag, sameEtag } from './etags.ts'
import { type Seen, see } from './head.ts'
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
  await cleared(
    async () => {
      for (const question of [askWhetherItVerifies, askWhatItReports, askForConditions])
        asking.traits.learn(bucket, await question(asking, ref, signal))
    },
    (signal) => remove(s3, ref, { signal }),
    signal,
  )
  s3.traits.learn(bucket, asking.traits.of(bucket))
  return capabilities(s3.traits.of(bucket))
}

async function askWhetherItVerifies(
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
async function askWhatItReports(
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
    const held = await withUpload(s3, ref, signal, (uploadId, parts) =>
      isHeld(complete(s3, ref, uploadId, parts, FACTS, { precondition, signal })),
    )
    if (!held) return { conditionalWrites: false }
  }
  return { conditionalWrites: true }
}

/** Leaves no upload behind, whatever becomes of it. */
async function withUpload<T>(
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

/** Clears up after work that failed too, even when it was aborted; then its own error is the one that counts. */
async function cleared<T>(
  work: () => Promise<T>,
  clear: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await Promise.allSettled([clear(AbortSignal.timeout(CLEAN_UP_MS))])
    throw error
  }
  await clear(signal)
  return result
}

async function isHeld(write: Promise<unknown>): Promise<boolean> {
  const result = await refusalOf(write)
  if (!(result instanceof LadingError) || result.code === 'store_rejected') return false
  if (result.code === 'store_precondition_failed') return true
  throw result
}

/** What a call resolves with, or the error by which the store refused it. */
async function refusalOf<T>(call: Promise<T>): Promise<T | LadingError> {
  try {
    return await call
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
