import type { ObjectStore } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { openDirectoryStore } from '@lading/store-directory'
import { openS3Store, PROBE_KEY } from '@lading/store-s3'
import type { Config } from '../config.ts'
import { existing } from './existing-directory.ts'
import { type Finding, fail, ok, skip, warn } from './finding.ts'
import { writeReadListDelete } from './store-round-trip.ts'

const TIMEOUT_MS = 15_000

export async function examineStore({ store, bucket }: Config): Promise<Finding[]> {
  if (store.kind === 'directory' && (await existing(store.root)) !== store.root)
    return [skip('store.bucket', `${store.root} is not there yet; the first start makes it`)]
  const opened = store.kind === 's3' ? openS3Store(store.options) : openDirectoryStore(store.root)
  try {
    return await examine(opened, bucket)
  } finally {
    await opened.close()
  }
}

async function examine(store: ObjectStore, bucket: string): Promise<Finding[]> {
  const findings: Finding[] = []
  try {
    await store.check(bucket, AbortSignal.timeout(TIMEOUT_MS))
    findings.push(ok('store.bucket', `${store.scheme}, bucket ${bucket}`))
    findings.push(await writeReadListDelete(store, bucket, PROBE_KEY, AbortSignal.timeout(TIMEOUT_MS)))
    findings.push(...(await whatItVerifies(store, bucket)))
  } catch (error) {
    const what =
      findings.length === 0 ? 'store.bucket' : findings.length === 1 ? 'store.objects' : 'store.checksums'
    findings.push(failure(what, error, bucket))
  }
  return findings
}

async function whatItVerifies(store: ObjectStore, bucket: string): Promise<Finding[]> {
  const { verifiesChecksums, conditionalWrites } = await store.probe(
    bucket,
    '',
    AbortSignal.timeout(TIMEOUT_MS),
  )
  return [
    verifiesChecksums
      ? ok('store.checksums', 'bytes with another checksum are refused')
      : warn(
          'store.checksums',
          'bytes with another checksum are taken',
          'Each object is read back instead, which costs time; a newer version of the store may check.',
        ),
    conditionalWrites
      ? ok('store.conditions', 'conditional writes hold')
      : warn(
          'store.conditions',
          'conditional writes do not hold',
          'A worker that hung for long could overwrite a newer file: docs/guarantees.md. Use a store that has them.',
        ),
  ]
}

function failure(check: string, error: unknown, bucket: string): Finding {
  if (error instanceof LadingError) return fail(check, error.detail, mendOf(error, bucket))
  if (error instanceof Error && error.name === 'TimeoutError')
    return fail(check, `no answer within ${TIMEOUT_MS / 1000} s`, 'Are S3_ENDPOINT and the network right?')
  throw error
}

function mendOf({ code }: LadingError, bucket: string): string {
  switch (code) {
    case 'store_bucket_missing':
      return `Make the bucket ${bucket}, or set S3_BUCKET to one that is there.`
    case 'store_access_denied':
      return 'Are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY right? They need GetObject, PutObject, DeleteObject, ListBucket, AbortMultipartUpload and the listing of multipart uploads and parts.'
    case 'store_unavailable':
      return 'Is it running, and is S3_ENDPOINT right? Uploads are accepted meanwhile, and delivered when it is back.'
    default:
      return 'Are S3_REGION, S3_PATH_STYLE and S3_SSE what this store takes?'
  }
}
