import { createReadStream } from 'node:fs'
import { json } from 'node:stream/consumers'
import { S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { BUCKET, CLIENT } from '../s3-client.ts'

export interface LibStorageInput {
  readonly endpoint: string
  readonly file: string
  readonly warmUpFile: string
}

export interface Took {
  readonly ms: number
  readonly cpuSeconds: number
}

/** Uploads a file as the documentation of `@aws-sdk/lib-storage` shows it, with all its defaults. */
const { endpoint, file, warmUpFile } = (await json(process.stdin)) as LibStorageInput
const client = new S3Client({ ...CLIENT, endpoint })

await upload(warmUpFile)
const [start, cpu] = [performance.now(), process.cpuUsage()]
await upload(file)
const { user, system } = process.cpuUsage(cpu)
const took: Took = { ms: performance.now() - start, cpuSeconds: (user + system) / 1e6 }
process.stdout.write(JSON.stringify(took))
client.destroy()

async function upload(path: string): Promise<void> {
  const params = { Bucket: BUCKET, Key: 'lib-storage', Body: createReadStream(path) }
  await new Upload({ client, params }).done()
}
