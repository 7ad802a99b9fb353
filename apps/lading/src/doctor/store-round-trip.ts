import { createHash, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Crc32, ObjectRef, ObjectStore, Sha256Hex } from '@lading/core'
import { type Finding, fail, ok } from './finding.ts'

const BODY = Buffer.from('an object of `lading doctor`; delete it\n')
const FACTS = {
  size: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex') as Sha256Hex,
  crc32: crc32(BODY) as Crc32,
  contentType: 'text/plain',
}

/** Does to an object of its own what deliveries and downloads do. Fails with the store's error. */
export async function writeReadListDelete(
  store: ObjectStore,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): Promise<Finding> {
  const ref = { bucket, key: `${prefix}doctor-${randomUUID()}` }
  await store.put(ref, BODY, FACTS, { precondition: { kind: 'none' }, signal })
  try {
    const missing = [
      ...((await read(store, ref, signal)).equals(BODY) ? [] : ['read']),
      ...((await isListed(store, ref, signal)) ? [] : ['listed']),
    ]
    if (missing.length === 0) return ok('store.objects', 'an object was written, read, listed and deleted')
    return fail(
      'store.objects',
      `an object that was written could not be ${missing.join(' and ')} as it is`,
      'A store that is not consistent after a write cannot hold artifacts; is there a cache before it?',
    )
  } finally {
    await store.delete(ref, { signal })
  }
}

async function read(store: ObjectStore, ref: ObjectRef, signal: AbortSignal): Promise<Buffer> {
  const { body } = await store.get(ref, { signal })
  return Buffer.concat(await body.toArray())
}

async function isListed(
  store: ObjectStore,
  { bucket, key }: ObjectRef,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const listed of store.list(bucket, key, signal)) if (listed.key === key) return true
  return false
}
