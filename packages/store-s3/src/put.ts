import { PutObjectCommand } from '@aws-sdk/client-s3'
import {
  crc32Of,
  type ObjectFacts,
  type ObjectRef,
  type StoredObject,
  type WriteOptions,
  type WrittenObject,
} from '@lading/core'
import { LadingError } from '@lading/protocol'
import { fullCrc32 } from './checksums.ts'
import { writeConditionally } from './conditional-write.ts'
import { type S3Context, send } from './context.ts'
import { type PutReply, putDirectly } from './direct-object.ts'
import { orEarlyRefusal } from './early-refusal.ts'
import { md5Etag } from './etags.ts'
import { see } from './head.ts'
import { attributes, checksum, condition } from './headers.ts'
import { provenByAnswer, saysAllButTheSize } from './put-answer.ts'
import { declareSha256 } from './signing.ts'
import { mismatch, proveWritten } from './verification.ts'

/** `put`: written, and proven by itself. */
export async function put(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject> {
  const evidence = { md5Etag: () => md5Etag(body) }
  return await writeConditionally(s3, ref, facts, evidence, options, async () => {
    const { answer, proven } = await putAndJudge(s3, ref, body, facts, options)
    return proven ?? (await proveWritten(s3, ref, facts, { ...evidence, etag: answer.ETag }, options.signal))
  })
}

/** `write`: what the answer leaves open stays open, if others can be asked about with it (prove-together.ts). */
export async function write(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<WrittenObject> {
  const evidence = { md5Etag: () => md5Etag(body) }
  let open: string | undefined
  const { etag, proof } = await writeConditionally(s3, ref, facts, evidence, options, async () => {
    const { answer, proven } = await putAndJudge(s3, ref, body, facts, options)
    if (proven !== undefined) return proven
    if (saysAllButTheSize(s3.traits.of(ref.bucket), answer, facts)) {
      open = answer.ETag
      return { etag: answer.ETag, proof: 'checksum' }
    }
    return await proveWritten(s3, ref, facts, { ...evidence, etag: answer.ETag }, options.signal)
  })
  return { ref, facts, etag, proof: open === etag ? undefined : proof }
}

async function putAndJudge(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<{ readonly answer: PutReply; readonly proven: StoredObject | undefined }> {
  assertBody(s3, ref, body, facts)
  const answer = await putObject(s3, ref, body, facts, options)
  const traits = s3.traits.of(ref.bucket)
  const proven = provenByAnswer(traits, answer, body, facts)
  const reported = fullCrc32(answer)
  if (
    proven === undefined &&
    reported !== undefined &&
    reported !== facts.crc32 &&
    traits.keepsChecksums !== false
  )
    throw mismatch(ref, 'the store reports another CRC-32 of what it received')
  return { answer, proven }
}

export function putObject(
  s3: S3Context,
  ref: ObjectRef,
  body: Buffer,
  facts: ObjectFacts,
  { precondition, signal }: WriteOptions,
): Promise<PutReply> {
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
  const sending = send<PutReply>(
    s3,
    request,
    async (client, options) =>
      (await putDirectly(client, input, facts.sha256, options)) ??
      (await client.send(declareSha256(new PutObjectCommand(input), facts.sha256), options)),
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
