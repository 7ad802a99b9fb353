import { until } from '../../support/deadline.ts'
import { holdRequests } from '../../support/hold-requests.ts'
import { WITHIN } from '../../support/patience.ts'
import { content } from '../../support/system-content.ts'
import { upload } from '../../support/system-upload.ts'
import type { FaultCase, Scene } from '../fault-case.ts'
import { flipBit } from '../flip-bit.ts'
import { placeOf } from '../place-of.ts'
import { type TarEntry, tarOf } from '../tar-of.ts'

const EXPECTED = 'each file arrives, by its name and with its bytes'

const NAMES = [
  'données/été.bin',
  'данные/модель.pt',
  'データ/モデル.bin',
  '数据/权重.bin',
  'بيانات/نموذج.bin',
  'נתונים/מודל.bin',
  'δεδομένα/μοντέλο.bin',
  'डेटा/मॉडल.bin',
  '🚢/⚓ bill of lading.bin',
  "it's 100% [a] {b} & (c)+=@,~!$.bin",
]

export const DATA_CASES: readonly FaultCase[] = [
  {
    name: 'data-one-bad-file-among-10000',
    fault: 'one of 10,000 files of a directory is damaged in the spool',
    expected: 'that one fails, by its name; the others are delivered',
    load: 'none',
    inject: (scene) => oneBad(scene, 10_000),
  },
  directory('data-directory-of-100000-files', 'a directory of 100,000 files', () =>
    Array.from({ length: 100_000 }, (_, n) => ({
      path: `d${n % 100}/${n}.json`,
      content: content(n % 50, n),
    })),
  ),
  {
    name: 'data-one-path-from-eight-clients',
    fault: 'eight clients put to the same path at once, again and again',
    expected: 'the file accepted last is in the catalog and in the store',
    async inject({ system, ledger, run, random }) {
      for (let round = 0; round < 5; round++) {
        const files = Array.from({ length: 8 }, () => content(random.between(0, 500_000), `${random.next()}`))
        await Promise.all(files.map((file) => ledger.put(system.client, run, 'same.bin', file)))
      }
    },
  },
  {
    name: 'data-empty-file',
    fault: 'a file of no bytes',
    expected: EXPECTED,
    async inject({ system, ledger, run }) {
      await ledger.put(system.client, run, 'empty.bin', content(0))
    },
  },
  directory('data-empty-directory', 'a directory that nothing lies in', () => [
    { path: 'd/empty/', content: content(0) },
    { path: 'd/full/a.bin', content: content(10) },
  ]),
  {
    name: 'data-names-in-every-script',
    fault: 'names in every script, and with every character that a path may have',
    expected: EXPECTED,
    async inject({ system, ledger, run }) {
      await Promise.all(NAMES.map((name) => ledger.put(system.client, run, name, content(100, name))))
    },
  },
]

function directory(name: string, fault: string, entries: () => readonly TarEntry[]): FaultCase {
  return {
    name,
    fault,
    expected: EXPECTED,
    load: 'none',
    async inject(scene) {
      const all = entries()
      const { system, run, ledger } = scene
      await ledger.upload({ client: system.client, runId: run, files: all, send: sendsTar(scene, all) })
    },
  }
}

function sendsTar({ system, run }: Scene, entries: readonly TarEntry[], query = '') {
  return (headers: Readonly<Record<string, string>>) =>
    upload({
      method: 'POST',
      url: system.client.address(`/api/v1/experiments/runs/${run}/log-artifacts${query}`),
      headers: { ...headers, 'x-tenant-id': 'acme-corp', 'content-type': 'application/x-tar' },
      body: tarOf(entries),
    })
}

async function oneBad(scene: Scene, count: number): Promise<void> {
  const { system, servers, ledger, random, run } = scene
  const files = Array.from({ length: count }, (_, n) => ({
    path: `d/${n}.bin`,
    content: content(100 + (n % 100), n),
  }))
  // Of the first, workers may have read the bytes already when the first request is held.
  const bad = random.between(count / 2, count - 1)
  const requests = holdRequests(servers.s3Proxy, { operation: 'PutObject' })
  const send = sendsTar(scene, files, '?atomic=false')
  const others = files.filter((_, n) => n !== bad)
  const jobId = await ledger.upload({ client: system.client, runId: run, files: others, send })
  await until(() => requests.held.length > 0, WITHIN)
  if (jobId === undefined) throw new Error('the directory was not accepted')
  await flipBit(system, await placeOf(system.databaseUrl, jobId, `d/${bad}.bin`))
  ledger.expectFailure(jobId, files.slice(bad, bad + 1), 'spool_damaged')
  requests.release()
}
