import type { Checkpoint } from '@lading/core'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { type FaultCase, processOf } from '../fault-case.ts'

function killedAt(name: string, point: Checkpoint, fault: string, expected: string): FaultCase {
  return {
    name,
    fault,
    expected,
    async inject(scene) {
      const pid = await scene.checkpoints.stopAt(point, { letPass: scene.random.between(0, 12) })
      await processOf(scene, pid).kill('SIGKILL')
      await scene.system.addApi()
    },
  }
}

const NOT_ACCEPTED = 'nothing was accepted; the client sends it again, and the pack is swept'

export const API_CASES: readonly FaultCase[] = [
  killedAt('api-killed-before-fsync', 'spool.before-sync', 'SIGKILL before the spool fsync', NOT_ACCEPTED),
  killedAt('api-killed-after-fsync', 'spool.after-sync', 'SIGKILL after the spool fsync', NOT_ACCEPTED),
  killedAt('api-killed-before-commit', 'accept.before-commit', 'SIGKILL before the commit', NOT_ACCEPTED),
  killedAt(
    'api-killed-after-commit',
    'accept.after-commit',
    'SIGKILL after the commit, before the reply',
    'it was accepted; the same request again, with its key, is answered with the same job',
  ),
  {
    name: 'api-stopped-mid-body',
    fault: 'SIGTERM in the middle of bodies',
    expected: 'what is under way is finished, or told to come again; the process ends within its grace',
    async inject(scene) {
      await until(() => scene.ledger.accepted >= 3, WITHIN)
      const [api] = scene.system.apis
      await api?.kill('SIGTERM')
      await scene.system.addApi()
    },
  },
]
