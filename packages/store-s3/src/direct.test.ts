import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { crc32Of, type ObjectFacts, type ObjectStore, type Sha256Hex } from '@lading/core'
import { expect, onTestFinished, test } from 'vitest'
import { encodeCrc32 } from './checksums.ts'
import { openS3Store } from './index.ts'

const BODY = Buffer.from('a small object')
const FACTS: ObjectFacts = {
  size: BODY.length,
  sha256: createHash('sha256').update(BODY).digest('hex') as Sha256Hex,
  crc32: crc32Of(BODY),
  contentType: 'text/plain',
}
const REF = { bucket: 'bucket', key: "a b/ü~(1)!'*/100%.txt" }
const SIGNAL = new AbortController().signal
const ABSENT = { precondition: { kind: 'absent' }, signal: SIGNAL } as const

interface Received {
  readonly request: string
  readonly byTheSdk: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A server that keeps what it was sent. */
async function serve(answer: Answer): Promise<{ store: ObjectStore; received: Received[] }> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString()
    const { 'user-agent': agent = '', ...headers } = request.headers as Record<string, string>
    const byTheSdk = agent.startsWith('aws-sdk')
    received.push({ request: `${request.method} ${request.url}`, byTheSdk, headers, body })
    answer(request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const store = openS3Store({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' },
    forcePathStyle: true,
    sse: { kmsKeyId: 'kms-key' },
    storageClass: 'STANDARD_IA',
    requestTimeoutMs: 5_000,
    connectTimeoutMs: 1_000,
    maxSockets: 4,
  })
  onTestFinished(async () => {
    await store.close()
    server.closeAllConnections()
    server.close()
  })
  return { store, received }
}

const stored: Answer = (request, response) => {
  response.setHeader('etag', '"etag"')
  response.setHeader('x-amz-checksum-crc32', encodeCrc32(FACTS.crc32))
  response.setHeader('x-amz-checksum-type', 'FULL_OBJECT')
  response.setHeader('content-length', request.method === 'HEAD' ? FACTS.size : 0)
  response.end()
}

/** What the SDK adds for its own statistics, and what differs with each signature. */
const INCIDENTAL = /^(amz-sdk-.*|x-amz-user-agent|x-amz-date)$/

function essence({ request, headers, body }: Received) {
  const kept = Object.entries(headers).filter(([name]) => !INCIDENTAL.test(name))
  const { authorization = '', ...rest } = Object.fromEntries(kept)
  const [, scope, names = ''] = /Credential=([^,]+), SignedHeaders=([^,]+)/.exec(authorization) ?? []
  const signed = names.split(';').filter((name) => !INCIDENTAL.test(name))
  return { request: request.replace(/\?x-id=\w+$/, ''), headers: rest, scope, signed, body }
}

test('a request past the SDK is the one that the SDK sends', async () => {
  const { store, received } = await serve(stored)
  await store.put(REF, BODY, FACTS, ABSENT)
  await store.put(REF, BODY, FACTS, ABSENT)
  const [put, , putDirectly] = received
  expect(received.map(({ byTheSdk }) => byTheSdk)).toEqual([true, false, false, false])
  expect(putDirectly && essence(putDirectly)).toEqual(put && essence(put))
  expect(putDirectly?.request).toBe('PUT /bucket/a%20b/%C3%BC~%281%29%21%27%2A/100%25.txt')
  expect(putDirectly?.headers['x-amz-security-token']).toBe('token')
})

test('so is a question for an object', async () => {
  const { store, received } = await serve(stored)
  const asked = [await store.head(REF, SIGNAL), await store.head(REF, SIGNAL)]
  expect(received.map(({ byTheSdk }) => byTheSdk)).toEqual([true, false])
  const [bySdk, directly] = received.map(essence)
  expect(directly).toEqual(bySdk)
  expect(asked[1]).toEqual(asked[0])
})

test('a refusal past the SDK is the error that the SDK makes of it', async () => {
  const { store } = await serve((_request, response) => {
    response.statusCode = 409
    response.setHeader('x-amz-request-id', 'id-1')
    response.end('<?xml version="1.0"?><Error><Code>Busy1</Code><Message>not now</Message></Error>')
  })
  const refusal = () => store.put(REF, BODY, FACTS, ABSENT).catch((error: Error) => error.message)
  const bySdk = await refusal()
  expect(bySdk).toContain('HTTP 409, Busy1, request id id-1')
  expect(await refusal()).toBe(bySdk)
})

test('a clock that is wrong is put right by the SDK', async () => {
  let ahead = 0
  const { store } = await serve((request, response) => {
    const now = Date.now() + ahead
    response.setHeader('date', new Date(now).toUTCString())
    if (Math.abs(timeOf(request) - now) < 300_000) return stored(request, response)
    response.statusCode = 403
    response.end('<Error><Code>RequestTimeTooSkewed</Code><Message>by far</Message></Error>')
  })
  await store.put(REF, BODY, FACTS, ABSENT)
  ahead = 3_600_000
  await store.put(REF, BODY, FACTS, ABSENT)
})

function timeOf(request: IncomingMessage): number {
  const [, date = '', time = ''] = /^(\d{8})T(\d{6})Z$/.exec(String(request.headers['x-amz-date'])) ?? []
  return Date.parse(
    `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`,
  )
}
