import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'
import { VERSITYGW } from './versitygw.ts'

export interface S3Access {
  /** What serves it, as a reader of the test's output should know it. */
  readonly name: string
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface TestS3 extends S3Access {
  /** Where a versitygw of its own keeps objects: a file for each, by bucket and key. */
  readonly directory: string | undefined
  createBucket(name: string): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  start(): Promise<void>
  pause(): void
  resume(): void
}

/**
 * The S3 at LADING_TEST_S3_ENDPOINT (with LADING_TEST_S3_ACCESS_KEY_ID, _SECRET_ACCESS_KEY, and _REGION, by default us-east-1),
 * else a versitygw of its own on a free loopback port and a temporary directory. A test that stops or kills the server asks
 * for one of its `own`.
 */
export async function startS3({ own = false, secretAccessKey = 'lading-test-secret' } = {}): Promise<TestS3> {
  const endpoint = process.env.LADING_TEST_S3_ENDPOINT
  return endpoint !== undefined && !own ? existing(endpoint) : startVersitygw(secretAccessKey)
}

/** Makes the bucket unless this account has it. */
export async function createBucket(access: S3Access, name: string): Promise<void> {
  const client = s3Client(access)
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }))
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error
  } finally {
    client.destroy()
  }
}

export function s3Client(access: S3Access): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = access
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  })
}

function existing(endpoint: string): TestS3 {
  const access = {
    name: `the S3 at ${endpoint}`,
    endpoint,
    region: process.env.LADING_TEST_S3_REGION ?? 'us-east-1',
    accessKeyId: required('LADING_TEST_S3_ACCESS_KEY_ID'),
    secretAccessKey: required('LADING_TEST_S3_SECRET_ACCESS_KEY'),
  }
  const notOurs = () => {
    throw new Error(`${access.name} is not for a test to stop or start; use startS3({ own: true })`)
  }
  return {
    ...access,
    directory: undefined,
    createBucket: (name) => createBucket(access, name),
    stop: async () => undefined,
    kill: async () => notOurs(),
    start: async () => notOurs(),
    pause: notOurs,
    resume: notOurs,
  }
}

async function startVersitygw(secretAccessKey: string): Promise<TestS3> {
  const program = findProgram('versitygw', VERSITYGW.file)
  if (program === undefined) {
    throw new Error('There is no S3 to test against; run `npm test` once, or set LADING_TEST_S3_ENDPOINT')
  }
  const folder = await mkdtemp(join(tmpdir(), 'lading-s3-'))
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const access = {
    name: `versitygw (${program})`,
    endpoint,
    region: 'us-east-1',
    accessKeyId: 'lading-test',
    secretAccessKey,
  }
  const server = await startOnFolder(program, folder, access)
  return {
    ...access,
    ...server,
    directory: join(folder, 'objects'),
    createBucket: (name) => createBucket(access, name),
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Metadata goes to extended attributes; a file system that has none gets a sidecar directory. */
async function startOnFolder(program: string, folder: string, access: S3Access): Promise<ServerProcess> {
  const [objects, sidecar] = [join(folder, 'objects'), join(folder, 'sidecar')]
  await Promise.all([mkdir(objects), mkdir(sidecar)])
  const make = (...storage: string[]) =>
    serverProcess({
      program,
      args: [
        '--port',
        new URL(access.endpoint).host,
        '--keep-alive',
        '--quiet',
        'posix',
        ...storage,
        objects,
      ],
      env: { ROOT_ACCESS_KEY_ID: access.accessKeyId, ROOT_SECRET_ACCESS_KEY: access.secretAccessKey },
      answers: async () => (await fetch(access.endpoint)).status > 0,
    })
  const withAttributes = make()
  try {
    await withAttributes.start()
    return withAttributes
  } catch (error) {
    if (!/xattr|attribute/i.test(String(error))) throw error
    const withSidecar = make('--sidecar', sidecar)
    await withSidecar.start()
    return withSidecar
  }
}

function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`LADING_TEST_S3_ENDPOINT is set, so ${name} must be, too`)
  return value
}
