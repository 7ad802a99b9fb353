import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import type { FaultCase, Scene } from '../fault-case.ts'

const KIB = 1024
const MIB = 1024 * KIB
/** Longer than two leases. */
const A_WHILE_MS = 8_000

/** Networks that are there, and bad. Those that are away are with what they lead to. */
export const NETWORK_CASES: readonly FaultCase[] = [
  {
    name: 'network-to-s3-throttled',
    fault: 'each connection to S3 carries 1 MiB a second, so that a part takes longer than the lease',
    expected: 'heartbeats keep the lease, and the file arrives',
    async inject({ servers, loaded }) {
      servers.networks.s3.network = { bytesPerSecond: MIB }
      await loaded
      await delay(A_WHILE_MS)
      servers.networks.s3.network = 'open'
    },
  },
  {
    name: 'network-to-s3-cut',
    fault: 'each connection to S3 is cut after 3 MiB, within every part, until attempts have failed for it',
    expected: 'small files are delivered all the while, and parts when it holds',
    async inject(scene) {
      scene.servers.networks.s3.network = { cutAfter: 3 * MIB }
      await until(async () => (await failedAttempts(scene)) > 0, WITHIN)
      scene.servers.networks.s3.network = 'open'
    },
  },
  {
    name: 'network-to-postgres-cut',
    fault: 'each connection to Postgres is cut after 64 KiB, in the midst of whatever it does, for a while',
    expected: 'nobody knows whether a commit was done; the same request again, with its key, is one job',
    inject: (scene) => cutForAWhile(scene, 'postgres', 64 * KIB),
  },
  {
    name: 'network-to-redis-cut',
    fault: 'each connection to Redis is cut after 16 KiB, in the midst of whatever it does, for a while',
    expected: 'uploads are accepted all the while; lost tickets are issued again',
    inject: (scene) => cutForAWhile(scene, 'redis', 16 * KIB),
  },
]

async function cutForAWhile(
  { servers, ledger }: Scene,
  to: 'postgres' | 'redis',
  cutAfter: number,
): Promise<void> {
  servers.networks[to].network = { cutAfter }
  await until(() => ledger.accepted >= 20, WITHIN)
  await delay(A_WHILE_MS)
  servers.networks[to].network = 'open'
}

async function failedAttempts({ system }: Scene): Promise<number> {
  const counts = system.workers.map((worker) => worker.metric('lading_failed_attempts_total'))
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}
