import type { Quotas, RateBucket } from '@lading/catalog'
import type { TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Response } from 'express'
import { secondsUntilSome, tellRate } from './rate-headers.ts'

/** Seconds of the rate that may come at once, after as long a silence. */
const BURST_SECONDS = 10

export interface TakenBytes {
  /** Takes what came beyond what was taken, or gives back what did not come. */
  settle(received: number): Promise<void>
}

/**
 * Takes the bytes of a body from the tenant's rate. A body longer than what is left is let in whole where anything is left:
 * the tenant then waits until it has come back, so that the average holds. Fails with `too_many_bytes`.
 */
export async function takeBytes(
  quotas: Quotas,
  { tenant, response, rate }: { tenant: TenantId; response: Response; rate: number },
  declared: number,
): Promise<TakenBytes> {
  const bucket: RateBucket = { kind: 'bytes', rate, burst: rate * BURST_SECONDS }
  const { granted, left } = await quotas.take(tenant, bucket, declared)
  tellRate(response, bucket, left)
  if (!granted) {
    throw new LadingError(
      'too_many_bytes',
      `X-Tenant-ID: the tenant may send ${rate} bytes a second, and has sent what it may for now`,
      { retryAfter: secondsUntilSome(bucket, left) },
    )
  }
  return {
    async settle(received) {
      if (received !== declared) await quotas.adjust(tenant, bucket, declared - received)
    },
  }
}
