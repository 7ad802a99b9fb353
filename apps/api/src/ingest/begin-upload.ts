import type { ApiContext } from '../context.ts'
import { exchangeOf } from '../exchange.ts'
import type { Call } from '../operation.ts'
import { takeBytes } from '../rates/byte-rate.ts'
import { contentLengthOf } from '../request-head.ts'

/**
 * Counts the upload among those of its tenant until it is disposed of, and takes its bytes of the tenant's rate: by its
 * head at first, and in the end those that came. Fails with `too_many_at_once`, `too_many_bytes`.
 */
export async function beginUpload(
  context: ApiContext,
  { request, response, tenant }: Pick<Call<unknown, unknown, unknown>, 'request' | 'response' | 'tenant'>,
): Promise<AsyncDisposable> {
  const { quotas } = context.catalog
  const { uploadsAtOnce, bytesPerSecond } = await quotas.of(tenant)
  await using stack = new AsyncDisposableStack()
  stack.use(context.uploads.begin(tenant, uploadsAtOnce))
  if (bytesPerSecond !== undefined) {
    const declared = contentLengthOf(request) ?? 0
    const taken = await takeBytes(quotas, { tenant, response, rate: bytesPerSecond }, declared)
    stack.defer(async () => {
      try {
        await taken.settle(exchangeOf(response).bytesReceived)
      } catch (err) {
        context.log.warn({ err, tenant }, 'the bytes of an upload could not be settled with the rate')
      }
    })
  }
  return stack.move()
}
