import { setTimeout as delay } from 'node:timers/promises'
import type { Checkpoint } from '@lading/core'
import { type FaultCase, processOf } from '../fault-case.ts'

/** Longer than the lease that the harness sets, 3 s, and the look for leases that ran out. */
const BEYOND_THE_LEASE_MS = 5_000

function killedAt(name: string, point: Checkpoint, fault: string, letPass = 0): FaultCase {
  return {
    name,
    fault,
    expected: 'another worker goes on after the lease has run out',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt(point, { letPass })
      await processOf(scene, pid).kill('SIGKILL')
      await scene.system.addWorker()
    },
  }
}

export const WORKER_CASES: readonly FaultCase[] = [
  killedAt('worker-killed-after-claim', 'worker.after-claim', 'SIGKILL after a worker has claimed work'),
  killedAt('worker-killed-after-part-1', 'worker.after-part', 'SIGKILL after the first part of a file'),
  killedAt('worker-killed-after-part-2', 'worker.after-part', 'SIGKILL after the second part of a file', 1),
  killedAt('worker-killed-after-part-3', 'worker.after-part', 'SIGKILL after the last part of a file', 2),
  killedAt(
    'worker-killed-before-complete',
    'worker.before-complete',
    'SIGKILL before CompleteMultipartUpload',
  ),
  killedAt('worker-killed-after-complete', 'worker.after-complete', 'SIGKILL after CompleteMultipartUpload'),
  killedAt('worker-killed-before-commit', 'worker.before-commit', 'SIGKILL before the catalog commit'),
  killedAt(
    'worker-killed-after-commit',
    'worker.after-commit',
    "SIGKILL after the catalog commit, before the ticket's end",
  ),
  killedAt(
    'leader-killed-after-lease',
    'dispatch.after-lease',
    'SIGKILL of the leader after it leased work, before its tickets are queued',
  ),
  {
    name: 'worker-frozen-beyond-its-lease',
    fault: 'SIGSTOP for longer than the lease, before CompleteMultipartUpload; then SIGCONT',
    expected: 'another worker delivers; the one that wakes up harms nothing',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt('worker.before-complete')
      await delay(BEYOND_THE_LEASE_MS)
      processOf(scene, pid).resume()
    },
  },
  {
    name: 'worker-frozen-before-commit',
    fault: 'SIGSTOP for longer than the lease, before the catalog commit; then SIGCONT',
    expected: 'its commit is refused by its epoch',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt('worker.before-commit')
      await delay(BEYOND_THE_LEASE_MS)
      processOf(scene, pid).resume()
    },
  },
  {
    name: 'worker-stopped-in-a-large-upload',
    fault: 'SIGTERM in the middle of a large upload',
    expected: 'it ends by itself; its parts are kept, and another worker goes on at once',
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt('worker.after-part')
      await processOf(scene, pid).kill('SIGTERM')
      await scene.system.addWorker()
    },
  },
]
