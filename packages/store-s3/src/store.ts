import type { ObjectRef, ObjectStore } from '@lading/core'
import { openClients } from './client.ts'
import { completeUpload } from './complete.ts'
import type { S3Context } from './context.ts'
import { copy } from './copy.ts'
import { get } from './get.ts'
import { checkBucket, see } from './head.ts'
import { list } from './listing.ts'
import { listUploads } from './listing-uploads.ts'
import { abortUpload, createUpload } from './multipart.ts'
import type { S3Options } from './options.ts'
import { listParts, uploadPart } from './parts.ts'
import { probe } from './probe.ts'
import { proveTogether } from './prove-together.ts'
import { put, write } from './put.ts'
import { remove } from './remove.ts'
import { KnownTraits } from './traits.ts'
import { verify } from './verification.ts'

const MIB = 1024 * 1024

/**
 * The object store on S3, or anything that speaks it. Opens no connection before the first call.
 * Throws when `caFile` cannot be read. Limits: docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 */
export function openS3Store(options: S3Options): ObjectStore {
  const s3: S3Context = { options, clients: openClients(options), traits: new KnownTraits() }
  return {
    scheme: 's3',
    minPartSize: 5 * MIB,
    maxParts: 10_000,
    maxPutSize: 5 * 1024 * MIB,
    minCopySize: MIB,
    uri: (ref: ObjectRef) => `s3://${ref.bucket}/${ref.key}`,
    probe: (bucket, prefix, signal) => probe(s3, bucket, prefix, signal),
    check: (bucket, signal) => checkBucket(s3, bucket, signal),
    put: (ref, body, facts, options) => put(s3, ref, body, facts, options),
    write: (ref, body, facts, options) => write(s3, ref, body, facts, options),
    proveWritten: (written, signal) => proveTogether(s3, written, signal),
    createUpload: (ref, facts, signal) => createUpload(s3, ref, facts, signal),
    uploadPart: (ref, uploadId, part, signal) => uploadPart(s3, ref, uploadId, part, signal),
    listParts: (ref, uploadId, signal) => listParts(s3, ref, uploadId, signal),
    completeUpload: (ref, uploadId, parts, facts, write) =>
      completeUpload(s3, ref, uploadId, parts, facts, write),
    abortUpload: (ref, uploadId, signal) => abortUpload(s3, ref, uploadId, signal),
    async head(ref, signal) {
      const seen = await see(s3, ref, signal)
      if (seen === undefined) return undefined
      const { size, etag, crc32, declaredSha256 } = seen
      return { size, etag, crc32, declaredSha256 }
    },
    async prove(ref, facts, signal) {
      const verdict = await verify(s3, ref, facts, {}, signal)
      return verdict.is === 'same' ? verdict.object : undefined
    },
    copy: (from, to, facts, options) => copy(s3, from, to, facts, options),
    get: (ref, read) => get(s3, ref, read),
    delete: (ref, removal) => remove(s3, ref, removal),
    list: (bucket, prefix, signal) => list(s3, bucket, prefix, signal),
    listUploads: (bucket, prefix, signal) => listUploads(s3, bucket, prefix, signal),
    async close() {
      s3.clients.agents.closeIdle()
    },
  }
}
