import { createHash } from 'node:crypto'
import { createServer } from 'node:net'
import { crc32Of, type ObjectFacts, type ObjectStore, type Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { expect, onTestFinished } from 'vitest'
import type { S3Options } from '../options.ts'
import { openS3Store } from '../store.ts'
import { type Character, LyingS3 } from './lying-s3.ts'

export const SIGNAL = new AbortController().signal
export const WRITE = { precondition: { kind: 'none' }, signal: SIGNAL } as const
export const REF = { bucket: 'bucket', key: 'runs/1/model.pkl' }
/** Where the server keeps the object at `REF`. */
export const PATH = `/${REF.bucket}/${REF.key}`
export const BODY = Buffer.from('the bytes that were accepted')
export const FACTS = factsOf(BODY)

/** A store on a server of this character; both end with the test. */
export async function openLyingS3(
  character: Partial<Character> = {},
  options: Partial<S3Options> = {},
): Promise<{ server: LyingS3; store: ObjectStore; endpoint: string }> {
  const server = new LyingS3(character)
  const endpoint = await server.open()
  onTestFinished(() => server.close())
  return { server, endpoint, store: openStoreAt(endpoint, options) }
}

export function openStoreAt(endpoint: string, options: Partial<S3Options> = {}): ObjectStore {
  const store = openS3Store({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    forcePathStyle: true,
    requestTimeoutMs: 20_000,
    connectTimeoutMs: 5_000,
    maxSockets: 8,
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

/** The endpoint of a server that takes connections and never says a word. */
export async function openBlackHole(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}`
}

export function factsOf(body: Buffer): ObjectFacts {
  const sha256 = createHash('sha256').update(body).digest('hex') as Sha256Hex
  return { size: body.length, sha256, crc32: crc32Of(body), contentType: 'text/plain' }
}

export async function errorOf(call: Promise<unknown>): Promise<LadingError> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(LadingError)
  return error as LadingError
}

export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).code
}

/** Creates an upload of `BODY` in one part, and sends it. */
export async function beginUpload(store: ObjectStore) {
  const uploadId = await store.createUpload(REF, FACTS, SIGNAL)
  const part = { partNumber: 1, body: BODY, crc32: FACTS.crc32 }
  return { uploadId, parts: [await store.uploadPart(REF, uploadId, part, SIGNAL)] }
}
