import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import type { Content } from '../support/system-content.ts'
import type { Scene } from './fault-case.ts'

/** An upload as bytes, for clients that break off at an exact place. */
export interface RawUpload {
  readonly head: Buffer
  readonly body: Iterable<Buffer>
}

export function rawPut({ run }: Scene, path: string, content: Content, key: string): RawUpload {
  const head = [
    `PUT /api/v1/experiments/runs/${run}/artifacts/${path} HTTP/1.1`,
    'Host: lading',
    'X-Tenant-ID: acme-corp',
    `Idempotency-Key: ${key}`,
    `Content-Length: ${content.size}`,
  ]
  return { head: Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body: content.chunks() }
}

const BOUNDARY = 'the-boundary'
export const PART_HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="form.bin"\r\n\r\n`

/** A form with one file and no terminator. */
export function rawForm({ run }: Scene, content: Content): RawUpload {
  const head = [
    `POST /api/v1/experiments/runs/${run}/log-artifact HTTP/1.1`,
    'Host: lading',
    'X-Tenant-ID: acme-corp',
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    // More than is ever sent.
    `Content-Length: ${content.size + 1_000}`,
  ]
  const body = [Buffer.from(PART_HEAD), ...content.chunks()]
  return { head: Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body }
}

/** Sends so many bytes of the upload, all by default. The connection is the caller's to end, and to read. */
export async function sendSome(scene: Scene, { head, body }: RawUpload, bytes = Infinity): Promise<Socket> {
  const { hostname, port } = new URL(scene.system.client.address(''))
  const socket = createConnection(Number(port), hostname)
  // What the server does with a broken request is seen by the audit.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let left = bytes
  for (const chunk of [head, ...body]) {
    if (left <= 0) break
    const some = chunk.subarray(0, Math.min(left, chunk.length))
    left -= some.length
    if (!socket.write(Buffer.from(some))) await once(socket, 'drain')
  }
  return socket
}
