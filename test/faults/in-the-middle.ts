import { until } from '../support/deadline.ts'
import { holdRequests } from '../support/hold-requests.ts'
import { WITHIN } from '../support/patience.ts'
import type { Scene } from './fault-case.ts'

/** Some of the load is delivered and more is on its way to S3, where it waits until the scope ends. */
export async function inTheMiddle(
  { servers }: Scene,
  { operation = 'PutObject', after = 8 } = {},
): Promise<Disposable> {
  const requests = holdRequests(servers.s3Proxy, { operation, after })
  await until(() => requests.held.length > 0, WITHIN)
  return { [Symbol.dispose]: () => requests.release() }
}
