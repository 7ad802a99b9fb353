import { PutObjectCommand, type PutObjectCommandOutput } from '@aws-sdk/client-s3'
import { crc32Of, type ObjectFacts, type ObjectRef, type StoredObject, type WriteOptions } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { fullCrc32 } from './checksums.ts'
import { writeConditionally } from './conditional-write.ts'
import { type S3Context, send } from './context.ts'
import { orEarlyRefusal } from './early-refusal.ts'
import { md5Etag } from './etags.ts'
import { see } from './head.ts'
import { attributes, checksum, condition } from './headers.ts'
import { provenByAnswer } from './put-answer.ts'
import { declareSha256 } from './signing.ts'
import { mismatch, proveWritten } from './verification.ts'

export async function put(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  assertBody(s3, ref, body, facts)
  const evidence = { md5Etag: () => md5Etag(body) }
  return await writeConditionally(s3, ref, facts, evidence, options, async () => {
    const reply = await putObject(s3, ref, body, facts, options)
    const traits = s3.traits.of(ref.bucket)
    const proven = provenByAnswer(traits, reply, body, facts)
    if (proven !== undefined) return proven
    const reported = fullCrc32(reply)
    if (reported !== undefined && reported !== facts.crc32 && traits.keepsChecksums !== false)
      throw mismatch(ref, 'the store reports another CRC-32 of what it received')
    return await proveWritten(s3, ref, facts, { ...evidence, etag: reply.ETag }, options.signal)
  })
}

export function putObject(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<PutObjectCommandOutput> {
  const traits = s3.traits.of(ref.bucket)
  const input = {
    Bucket: ref.bucket,
    Key: ref.key,
    Body: body,
    ContentLength: body.length,
    ...attributes(s3.options, facts),
    ...checksum(traits, facts.crc32),
    ...condition(traits, precondition),
  }
  const request = { operation: 'PutObject', on: ref, signal, bytes: body.length }
  const sending = send(s3, request, (client, options) =>
    client.send(declareSha256(new PutObjectCommand(input), facts.sha256), options),
  )
  return orEarlyRefusal(sending, () => see(s3, ref, signal))
}

/** A store that is known to verify refuses other bytes by itself; any other must not be given them. */
function assertBody(s3: S3Context, ref: ObjectRef, body: Buffer, facts: ObjectFacts): void {
  if (body.length !== facts.size) throw notAccepted(ref, `has ${body.length} bytes, not ${facts.size}`)
  if (s3.traits.of(ref.bucket).verifiesChecksums === true) return
  if (crc32Of(body) !== facts.crc32) throw notAccepted(ref, 'has another CRC-32')
}

function notAccepted(ref: ObjectRef, why: string): LadingError {
  return new LadingError(
    'store_checksum_mismatch',
    `The body for s3://${ref.bucket}/${ref.key} ${why} than the file that was accepted; nothing was sent.`,
  )
}
