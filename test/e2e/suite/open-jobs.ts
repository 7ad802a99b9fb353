import { type ChildProcessWithoutNullStreams as ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { JobResponse } from '@lading/protocol'
import { expect, test } from 'vitest'
import { until } from '../../support/deadline.ts'
import { WITHIN } from '../../support/patience.ts'
import { content, textContent } from '../../support/system-content.ts'
import type { Given } from '../suite.ts'

const RANKS = 64
/** The one that is killed. */
const VICTIM = 17
const MIB = 2 ** 20
/** Of the victim's shard, in the chunks that contents come in. */
const HALF = 6 * MIB
const CHUNK = MIB / 4

export function testOpenJobs(given: Given): void {
  test('64 clients add to one open job, one of them is killed in the middle of a file and starts again: each file once', async () => {
    const { client, spoolDirectory } = given()
    const { run_id: run } = await client.createRun()
    const opened = await client.call<JobResponse>('POST', `/api/v1/experiments/runs/${run}/uploads`, {
      artifact_path: 'step-1000',
      shards: RANKS,
    })
    expect(opened).toMatchObject({ status: 201, body: { state: 'open' } })
    const { job_id: job } = opened.body
    const shard = (rank: number) => content(rank === VICTIM ? 12 * MIB : 1000 + rank, `rank ${rank}`)
    const settings = textContent('{"dtype": "bf16"}')
    const url = (path: string) => client.address(`/api/v1/experiments/runs/${run}/${path}?job_id=${job}`)

    /** A process that sends a shard and its settings, one request each, and then says that it is through. */
    const sendRank = async (rank: number) => {
      const put = (name: string, bytes: Iterable<Buffer>) =>
        answered(curl(['-T', '-', url(`artifacts/rank-${rank}/${name}`)]), bytes)
      expect(await put('shard.pt', shard(rank).chunks())).toContain('"job_id"')
      expect(await put('settings.json', settings.chunks())).toContain('"job_id"')
      const sealed = await client.call<JobResponse>('POST', `/api/v1/jobs/${job}/seal`, { shard: rank })
      expect(sealed.status).toBeLessThan(300)
    }
    const killRank = async (rank: number) => {
      const sending = curl(['-T', '-', url(`artifacts/rank-${rank}/shard.pt`)])
      const ended = once(sending, 'exit')
      // What it has not read yet when it is killed has nobody to go to.
      sending.stdin.on('error', () => undefined)
      // The pipe stays open: more is to come, as far as curl knows.
      for (const chunk of [...shard(rank).chunks()].slice(0, HALF / CHUNK)) sending.stdin.write(chunk)
      await until(() => isHalfReceived(spoolDirectory), WITHIN)
      sending.kill('SIGKILL')
      expect(await ended).toEqual([null, 'SIGKILL'])
    }

    const others = [...Array(RANKS).keys()].filter((rank) => rank !== VICTIM)
    await Promise.all([killRank(VICTIM), ...others.map(sendRank)])
    expect(await client.job(job)).toMatchObject({ state: 'open', files: { total: 2 * (RANKS - 1) } })
    await sendRank(VICTIM)
    expect(await client.waitJob(job)).toMatchObject({
      state: 'completed',
      files: { total: 2 * RANKS, stored: 2 * RANKS, superseded: 0 },
    })
    const listed = new Map([...(await client.list(run))].map(([path, { sha256 }]) => [path, sha256]))
    const sent = [...Array(RANKS).keys()].flatMap((rank): [string, string][] => [
      [`step-1000/rank-${rank}/shard.pt`, shard(rank).sha256],
      [`step-1000/rank-${rank}/settings.json`, settings.sha256],
    ])
    expect(listed).toEqual(new Map(sent))
  })
}

function curl(args: readonly string[]): ChildProcess {
  return spawn('curl', ['--silent', '--show-error', '-H', 'X-Tenant-ID: acme-corp', ...args])
}

async function answered(sending: ChildProcess, bytes: Iterable<Buffer>): Promise<string> {
  const ended = once(sending, 'exit')
  for (const chunk of bytes) sending.stdin.write(chunk)
  sending.stdin.end()
  const said = await text(sending.stdout)
  expect(await ended).toEqual([0, null])
  return said
}

/** Whether some upload is at the bytes that were sent, and not yet whole. */
async function isHalfReceived(spoolDirectory: string): Promise<boolean> {
  const incoming = join(spoolDirectory, 'incoming')
  const sizes = (await readdir(incoming)).map(async (name) => (await stat(join(incoming, name))).size)
  return (await Promise.all(sizes)).some((size) => size >= HALF / 2)
}
