import type { ObjectFacts, ObjectRef, Precondition, StoredObject, WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { orAlreadyThere } from './conditional-write.ts'
import type { S3Context } from './context.ts'
import { copyObject } from './copy-object.ts'
import { copyInParts } from './copy-parts.ts'
import { type CopySource, findSource } from './copy-source.ts'
import { sameEtag } from './etags.ts'
import { see } from './head.ts'
import { put } from './put.ts'
import { proveWritten } from './verification.ts'

/** docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (bytes) */
const MAX_COPY_SIZE = 5 * 1024 * 1024 * 1024

export type CopyOptions = WriteOptions & { readonly ifMatch?: string }

export async function copy(
  s3: S3Context,
  from: ObjectRef,
  to: ObjectRef,
  facts: ObjectFacts,
  options: CopyOptions,
): Promise<StoredObject> {
  return await orAlreadyThere(s3, to, facts, {}, options, async () => {
    const source = await findSource(s3, from, facts, options)
    return await transfer(s3, source, to, facts, options)
  })
}

/**
 * One request, where it heeds the precondition. Elsewhere the copy becomes the one part of an upload, because stores
 * knew conditions on the completion of an upload long before those on copies (AWS: 2024 and 2025). A store that knows
 * neither is asked what it holds before; another writer may come between, as with every write to such a store.
 */
async function transfer(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const { conditionalWrites, conditionalCopies } = s3.traits.of(to.bucket)
  const { precondition, signal } = options
  const maxPartSize = s3.options.maxCopySize ?? MAX_COPY_SIZE
  const fits = facts.size <= maxPartSize
  const heeded = precondition.kind === 'none' || (fits && conditionalCopies === true)
  const unheeded = !heeded && conditionalWrites === false
  if (unheeded) await expectThere(s3, to, precondition, signal)
  if (fits && (heeded || unheeded)) return await copyWhole(s3, source, to, facts, options)
  // A part cannot be copied from nothing.
  if (facts.size === 0) return await put(s3, to, Buffer.alloc(0), facts, options)
  return await copyInParts(s3, source, to, facts, { ...options, maxPartSize })
}

async function copyWhole(
  s3: S3Context,
  source: CopySource,
  to: ObjectRef,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const etag = await copyObject(s3, source, to, facts, options)
  return await proveWritten(s3, to, facts, { etag, md5Etag: () => source.md5 }, options.signal)
}

async function expectThere(
  s3: S3Context,
  ref: ObjectRef,
  precondition: Precondition,
  signal: AbortSignal,
): Promise<void> {
  const found = (await see(s3, ref, signal))?.etag
  const wanted = precondition.kind === 'etag' ? precondition.etag : undefined
  const holds = found === undefined || wanted === undefined ? found === wanted : sameEtag(found, wanted)
  if (holds) return
  throw new LadingError(
    'store_precondition_failed',
    `The key s3://${ref.bucket}/${ref.key} holds ${found === undefined ? 'nothing' : `the ETag ${found}`} by now.`,
  )
}
