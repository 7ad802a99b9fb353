import { type Checkpoint, newId } from '@lading/core'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { content } from '../../support/system-content.ts'
import { BucketOwner } from '../bucket-owner.ts'
import type { FaultCase, Scene } from '../fault-case.ts'

/** Everything is read back again after a second. */
const READ_BACK_SOON = {
  LADING_SCRUB_EVERY: '1s',
  LADING_SCRUB_OBJECTS: '1000',
  LADING_SCRUB_RATE: '1GiB',
}
const GC = ['gc', '--delete', '--older-than', '0s']
const REMOVED = 'what nothing needs is removed, and nothing else'

export const KEEPING_CASES: readonly FaultCase[] = [
  rotted(
    'object-bit-flipped',
    'a bit of a delivered object flips on the disk of the store',
    'damaged',
    (owner, path) => owner.flipBit(path),
  ),
  rotted('object-lost', 'a delivered object is lost by the disk of the store', 'missing', (owner, path) =>
    owner.loseFile(path),
  ),
  {
    name: 'orphans-cleared-under-load',
    fault:
      'orphans lie in a bucket that others use, and `lading gc --delete` runs again and again while uploads come',
    expected: REMOVED,
    async inject(scene) {
      const { system, loaded } = scene
      const owner = await BucketOwner.of(scene)
      const anothers = await owner.plant({ key: `experiments/notes of somebody else.txt` })
      await plantOrphans(owner)
      let busy = true
      void loaded.then(() => {
        busy = false
      })
      while (busy) await system.run(...GC)
      await clear(scene)
      await owner.delete(anothers)
    },
  },
  {
    name: 'gc-killed-with-its-lease',
    fault: 'SIGKILL of `lading gc` when it has leased an orphan, whose path is then uploaded to',
    expected: 'the path waits for the lease, and is delivered; the next `lading gc` removes the rest',
    async inject(scene) {
      const { system, ledger, run } = scene
      const { ended, pid } = await gcStoppedAt(scene, 'gc.after-lease')
      process.kill(pid, 'SIGKILL')
      await ended
      for (const path of ORPHANS) await ledger.put(system.client, run, path, content(10_000, path))
      await clear(scene)
    },
  },
  {
    name: 'gc-frozen-before-it-deletes',
    fault:
      'SIGSTOP of `lading gc` before it deletes, for longer than its lease, while the path is uploaded to; then SIGCONT',
    expected: 'what was uploaded is in the store; the one that wakes up deletes nothing',
    async inject(scene) {
      const { system, ledger, run } = scene
      const { ended, pid } = await gcStoppedAt(scene, 'gc.before-delete')
      for (const path of ORPHANS) {
        const jobId = await ledger.put(system.client, run, path, content(10_000, path))
        await system.client.waitJob(jobId ?? '')
      }
      process.kill(pid, 'SIGCONT')
      const { code, text } = await ended
      if (code !== 4) throw new Error(`it ended with ${code}, as if nothing had happened: ${text}`)
      await clear(scene)
    },
  },
]

const ORPHANS = ['left/a.bin', 'left/b.bin', 'left/c.bin']

async function plantOrphans(owner: BucketOwner): Promise<void> {
  for (const path of ORPHANS) await owner.plant({ below: `artifacts/${path}` })
  await owner.plant({ below: `staging/${newId()}` })
  await owner.beginUpload('artifacts/left/d.bin')
}

/** `lading gc`, which has found orphans and stands still at the checkpoint. */
async function gcStoppedAt(scene: Scene, checkpoint: Checkpoint) {
  await plantOrphans(await BucketOwner.of(scene))
  const stopped = scene.checkpoints.stopAt(checkpoint)
  const ended = scene.system.run(...GC)
  return { ended, pid: await stopped }
}

/** Until nothing is found any more: what a killed process has leased is free after a while. */
async function clear({ system }: Scene): Promise<void> {
  await until(async () => {
    const { code, text } = await system.run(...GC, '--json')
    const { sum } = JSON.parse(text.split('\n').at(-1) ?? '')
    return code === 0 && sum.objects.count + sum.uploads.count === 0 && !text.includes('"kept"')
  }, WITHIN)
}

function rotted(
  name: string,
  fault: string,
  rot: 'damaged' | 'missing',
  damage: (owner: BucketOwner, path: string) => Promise<void>,
): FaultCase {
  return {
    name,
    fault,
    expected: `it is read back, and listed as ${rot}; sent again, it is whole`,
    env: READ_BACK_SOON,
    async inject(scene) {
      const { system, ledger, run } = scene
      const owner = await BucketOwner.of(scene)
      const path = 'kept for years.bin'
      const send = async () => {
        const jobId = await ledger.put(system.client, run, path, content(9_000_000, name))
        await system.client.waitJob(jobId ?? '')
      }
      const rotNow = async () => (await system.client.list(run)).get(path)?.rot
      await send()
      await damage(owner, path)
      await until(async () => (await rotNow()) === rot, WITHIN)
      await send()
      await until(async () => (await rotNow()) === undefined, WITHIN)
    },
  }
}
