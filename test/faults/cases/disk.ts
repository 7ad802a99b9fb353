import { randomUUID } from 'node:crypto'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../support/deadline.ts'
import { holdRequests } from '../../support/hold-requests.ts'
import { WITHIN } from '../../support/patience.ts'
import type { System } from '../../support/system.ts'
import { content } from '../../support/system-content.ts'
import type { FaultCase, Scene } from '../fault-case.ts'
import { flipBit } from '../flip-bit.ts'
import { type Place, placeOf } from '../place-of.ts'

const MIB = 1024 * 1024

/** Uploads that are refused with 507 until others have gone. */
async function fill(scene: Scene, files: number, size: number): Promise<void> {
  const { ledger, system, run } = scene
  const all = Array.from({ length: files }, (_, n) => n)
  await Promise.all(
    all.map((n) => ledger.put(system.client, run, `fill/${n}.bin`, content(size, `fill ${n}`))),
  )
}

export const DISK_CASES: readonly FaultCase[] = [
  {
    name: 'disk-full-at-byte-n',
    fault: 'the file system of the spool is full in the middle of an upload of unknown length',
    expected: '507, and nothing of it is left; the rest is delivered',
    disk: { size: '24m' },
    env: { LADING_SPOOL_LOW_WATER: '0' },
    async inject(scene) {
      await scene.loaded
      const { system, run } = scene
      const url = system.client.address(`/api/v1/experiments/runs/${run}/artifacts/too-large.bin`)
      const file = content(40 * MIB, 'too large')
      const answer = await fetch(url, {
        method: 'PUT',
        headers: { 'x-tenant-id': 'acme-corp', 'idempotency-key': randomUUID() },
        body: ReadableStream.from(file.chunks()),
        duplex: 'half',
      } as RequestInit)
      if (answer.status !== 507) throw new Error(`a full disk was answered with ${answer.status}`)
    },
  },
  {
    name: 'disk-filled-together',
    fault: 'uploads of which each has room, and all together have none',
    expected: '507 for those that come too late; they are accepted when others are delivered',
    disk: { size: '40m' },
    env: { LADING_SPOOL_LOW_WATER: '0' },
    inject: (scene) => fill(scene, 12, 8 * MIB),
  },
  {
    name: 'disk-without-inodes',
    fault: 'the file system of the spool has room, and no inodes',
    expected: '507 until packs are dropped',
    disk: { size: '256m', inodes: 30 },
    env: { LADING_SPOOL_LOW_WATER: '0' },
    inject: (scene) => fill(scene, 40, 1000),
  },
  damaged('spool-file-cut', 'a spool file is cut after its fsync', ({ spoolDirectory }, { pack }) =>
    truncate(join(spoolDirectory, 'packs', pack), MIB),
  ),
  damaged('spool-bit-flipped', 'a bit of a spool file flips after its fsync', flipBit),
]

function damaged(
  name: string,
  fault: string,
  damage: (system: System, place: Place) => Promise<void>,
): FaultCase {
  return {
    name,
    fault,
    expected: 'the file fails with `spool_damaged`, and is never stored; all others are',
    async inject(scene) {
      const { servers, system, ledger, run } = scene
      const requests = holdRequests(servers.s3Proxy, { operation: 'CreateMultipartUpload' })
      const jobId = await ledger.put(system.client, run, 'damaged.bin', content(9 * MIB, 'damaged'), {
        mustFail: 'spool_damaged',
      })
      await until(() => requests.held.length > 0, WITHIN)
      await damage(system, await placeOf(system.databaseUrl, jobId ?? '', 'damaged.bin'))
      requests.release()
    },
  }
}
