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

function frozenAt(name: string, point: Checkpoint, fault: string, expected: string): FaultCase {
  return {
    name,
    fault,
    expected,
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt(point)
      await delay(BEYOND_THE_LEASE_MS)
      processOf(scene, pid).resume()
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
  frozenAt(
    'worker-frozen-beyond-its-lease',
    'worker.before-complete',
    'SIGSTOP for longer than the lease, before CompleteMultipartUpload; then SIGCONT',
    'another worker delivers; the one that wakes up harms nothing',
  ),
  frozenAt(
    'worker-frozen-before-commit',
    'worker.before-commit',
    'SIGSTOP for longer than the lease, before the catalog commit; then SIGCONT',
    'its commit is refused by its epoch',
  ),
  {
    name: 'worker-with-a-blocked-event-loop',
    fault: 'the event loop is blocked for longer than the lease, in the middle of a file',
    expected: 'another worker delivers; what the first one does afterwards harms nothing',
    async inject(scene) {
      await scene.checkpoints.blockAt('worker.after-part', BEYOND_THE_LEASE_MS)
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
