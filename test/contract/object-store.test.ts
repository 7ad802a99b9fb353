import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDirectoryStore } from '@lading/store-directory'
import { openS3Store } from '@lading/store-s3'
import { freshBucket, sharedS3 } from '../support/provided.ts'
import { describeObjectStore } from './object-store.ts'

describeObjectStore('a directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'lading-store-'))
  const store = openDirectoryStore(root)
  return {
    store,
    bucket: 'artifacts',
    async close() {
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
})

describeObjectStore('S3', async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = sharedS3()
  const store = openS3Store({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 5_000,
    maxSockets: 32,
  })
  return { store, bucket: await freshBucket(), close: () => store.close() }
})
