import { readFile } from 'node:fs/promises'
import { json } from 'node:stream/consumers'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { BUCKET, CLIENT } from '../s3-client.ts'

export interface PutObjectsInput {
  readonly endpoint: string
  readonly files: readonly string[]
  readonly concurrency: number
}

/** Puts files as a script would: read one, put it, the next; so many at a time. Prints the milliseconds it took. */
const { endpoint, files, concurrency } = (await json(process.stdin)) as PutObjectsInput
const client = new S3Client({ ...CLIENT, endpoint })

await putAll(files.slice(0, 200))
const start = performance.now()
await putAll(files)
process.stdout.write(JSON.stringify({ ms: performance.now() - start }))
client.destroy()

async function putAll(paths: readonly string[]): Promise<void> {
  const iterator = paths.values()
  const lane = async () => {
    for (const path of iterator)
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: path, Body: await readFile(path) }))
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}
