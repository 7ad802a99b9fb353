import { newKey } from './idempotency-key.ts'
import type { RunContext } from './run-context.ts'
import { ship } from './ship.ts'
import type { Tar } from './tar.ts'

export interface TarOptions {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly idempotencyKey?: string | undefined
  readonly jobId?: string
  readonly signal?: AbortSignal
}

/** Sends small files as one request; the id of its job. */
export async function sendTar(
  context: RunContext,
  tar: Tar,
  { query = {}, idempotencyKey = newKey(), ...options }: TarOptions,
): Promise<string> {
  const body = tar.bytes
  const shipment = {
    address: `${context.address}/log-artifacts`,
    method: 'POST',
    query,
    contentType: 'application/x-tar',
    body,
    sha256: await context.digests.whole(body),
    idempotencyKey,
  } as const
  return (await ship(context.transport, shipment, options)).job_id
}
