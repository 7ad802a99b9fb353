import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Readable } from 'node:stream'
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { type S3Access, s3Client } from './s3.ts'

export interface Digest {
  /** Bytes. */
  readonly size: number
  readonly sha256: string
}

/** The object store as one sees it who does not go through Lading. */
export interface StoreFromOutside {
  keys(): Promise<string[]>
  /** Read and digested as a whole. */
  digest(key: string): Promise<Digest>
  uploads(): Promise<OpenUpload[]>
  /** The numbers of the parts that an upload has. */
  parts(upload: OpenUpload): Promise<number[]>
  close(): void
}

export interface OpenUpload {
  readonly key: string
  readonly uploadId: string
}

export function s3FromOutside(access: S3Access, Bucket: string): StoreFromOutside {
  const client = s3Client(access)
  return {
    async keys() {
      const keys: string[] = []
      for await (const page of paginateListObjectsV2({ client }, { Bucket }))
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key)
      return keys
    },
    async digest(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      return await digestOf(Body as Readable)
    },
    async uploads() {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return Uploads.map(({ Key = '', UploadId = '' }) => ({ key: Key, uploadId: UploadId }))
    },
    async parts({ key, uploadId }) {
      const { Parts = [] } = await client.send(new ListPartsCommand({ Bucket, Key: key, UploadId: uploadId }))
      return Parts.map(({ PartNumber = 0 }) => PartNumber)
    },
    close: () => client.destroy(),
  }
}

/** A directory store: a bucket is a directory, an object a file, and uploads lie in `.lading/uploads`. */
export function directoryFromOutside(root: string, bucket: string): StoreFromOutside {
  const top = join(root, bucket)
  const uploads = join(root, '.lading', 'uploads')
  return {
    async keys() {
      const entries = await readdir(top, { recursive: true, withFileTypes: true }).catch(whenAbsent)
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(top, join(entry.parentPath, entry.name)))
    },
    digest: (key) => digestOf(createReadStream(join(top, key))),
    async uploads() {
      const ids = await readdir(uploads)
      return await Promise.all(
        ids.map(async (uploadId) => {
          const { key } = JSON.parse(await readFile(join(uploads, uploadId, 'ref.json'), 'utf8'))
          return { key, uploadId }
        }),
      )
    },
    async parts({ uploadId }) {
      const names = await readdir(join(uploads, uploadId))
      return names.map((name) => Number.parseInt(name, 10)).filter((number) => number > 0)
    },
    close: () => {},
  }
}

async function digestOf(body: Readable): Promise<Digest> {
  const sha256 = createHash('sha256')
  let size = 0
  for await (const chunk of body) {
    sha256.update(chunk)
    size += chunk.length
  }
  return { size, sha256: sha256.digest('hex') }
}

function whenAbsent(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return []
  throw error
}
