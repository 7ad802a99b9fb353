import type { Accepted } from './bodies.ts'
import type { UploadOptions } from './options.ts'
import { queryOf } from './pages.ts'
import { digestField } from './sha256.ts'
import type { Transport } from './transport.ts'

/** What is sent as the body of one request. */
export interface Shipment {
  readonly address: string
  readonly method: 'PUT' | 'POST'
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly contentType: string
  readonly body: Blob | Uint8Array | ReadableStream
  /** Undefined, of a stream: it is not known before it ends. */
  readonly sha256: string | undefined
  readonly idempotencyKey: string
}

/** Sends it; a retry brings it once. */
export async function ship(
  transport: Transport,
  shipment: Shipment,
  { jobId, waitSeconds = 0, signal }: Pick<UploadOptions, 'jobId' | 'waitSeconds' | 'signal'>,
): Promise<Accepted> {
  const { address, method, query, contentType, body, sha256, idempotencyKey } = shipment
  return await transport.json<Accepted>(`${address}${queryOf({ ...query, job_id: jobId })}`, 'job_id', {
    method,
    repeatable: true,
    headers: {
      'content-type': contentType,
      'idempotency-key': idempotencyKey,
      ...(sha256 !== undefined && { 'content-digest': digestField(sha256) }),
      ...(waitSeconds > 0 && { prefer: `wait=${waitSeconds}` }),
    },
    body,
    ...(signal !== undefined && { signal }),
  })
}
