import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { ObjectRef, StoredObject, WrittenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { type S3Context, send } from './context.ts'
import { sameEtag } from './etags.ts'
import { proveWritten } from './verification.ts'

/** Objects of one directory for which one request for a list is cheaper than one HeadObject each (AWS prices it as twelve). */
const WORTH_A_LIST = 13
/** HeadObjects at once, for what no list has shown. */
const HEADS_AT_ONCE = 8
/** The longest page of ListObjectsV2. */
const LONGEST_PAGE = 1000

/**
 * Proves objects whose writes were answered with all but their size (put-answer.ts). ListObjectsV2 tells size and ETag of
 * what the bucket holds, a thousand keys at a time, and is as consistent as HeadObject
 * (docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel): the ETag is that of the write whose
 * checksum the store reported, so that the object is this one and whole. A list is only ever believed when it says that
 * all is well: of what it shows otherwise, or does not show, HeadObject decides as it does for a single put.
 */
export async function proveTogether(
  s3: S3Context,
  written: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<readonly (StoredObject | LadingError)[]> {
  const open = written.filter(({ proof }) => proof === undefined)
  const listed = new Set<WrittenObject>()
  for (const group of Map.groupBy(open, directoryOf).values())
    for (const object of await shownByList(s3, group, signal)) listed.add(object)
  const asked = await askedOneByOne(
    s3,
    open.filter((object) => !listed.has(object)),
    signal,
  )
  return written.map(
    (object) => asked.get(object) ?? { etag: object.etag, proof: object.proof ?? 'checksum' },
  )
}

function directoryOf({ ref }: WrittenObject): string {
  return `${ref.bucket}/${ref.key.slice(0, ref.key.lastIndexOf('/') + 1)}`
}

/** Those that one page of a list, from the first of them on, shows as they were written. */
async function shownByList(
  s3: S3Context,
  group: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<readonly WrittenObject[]> {
  if (group.length < WORTH_A_LIST) return []
  const first = group.reduce((least, object) => (object.ref.key < least.ref.key ? object : least)).ref
  const shown = await pageFrom(s3, first, Math.min(2 * group.length, LONGEST_PAGE), signal)
  return group.filter(({ ref, facts, etag }) => {
    const seen = shown.get(ref.key)
    return seen !== undefined && seen.size === facts.size && sameEtag(seen.etag, etag)
  })
}

/** An object that cannot be listed, because the policy or the store does not have it so, is asked for by itself. */
async function pageFrom(
  s3: S3Context,
  { bucket, key }: ObjectRef,
  length: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly size: number; readonly etag: string }>> {
  const input = {
    Bucket: bucket,
    Prefix: key.slice(0, key.lastIndexOf('/') + 1),
    // A list begins after this: a key that lacks the last character stands a little before the one that has it.
    StartAfter: key.replace(/.$/su, ''),
    MaxKeys: length,
  }
  try {
    const page = await send(s3, { operation: 'ListObjectsV2', on: { bucket }, signal }, (client, sending) =>
      client.send(new ListObjectsV2Command(input), sending),
    )
    return new Map(
      page.Contents?.map(({ Key = '', Size = Number.NaN, ETag = '' }) => [Key, { size: Size, etag: ETag }]),
    )
  } catch (error) {
    if (error instanceof LadingError) return new Map()
    throw error
  }
}

async function askedOneByOne(
  s3: S3Context,
  objects: readonly WrittenObject[],
  signal: AbortSignal,
): Promise<ReadonlyMap<WrittenObject, StoredObject | LadingError>> {
  const answers = new Map<WrittenObject, StoredObject | LadingError>()
  const waiting = objects.values()
  const lane = async () => {
    for (const object of waiting) {
      const { ref, facts, etag } = object
      answers.set(object, await proveWritten(s3, ref, facts, { etag }, signal).catch(asAnswer))
    }
  }
  await Promise.all(Array.from({ length: Math.min(HEADS_AT_ONCE, objects.length) }, lane))
  return answers
}

function asAnswer(error: unknown): LadingError {
  if (error instanceof LadingError) return error
  throw error
}
