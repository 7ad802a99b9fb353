import { randomUUID } from 'node:crypto'
import type { JobResponse } from '@lading/protocol'
import { until } from '../support/deadline.ts'
import { WITHIN } from '../support/patience.ts'
import type { LadingClient } from '../support/system-client.ts'
import { type Content, content } from '../support/system-content.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'

const MIB = 1024 * 1024
const TENANTS = ['acme-corp', 'globex', 'initech']
/** Clients that put to one path at once. */
const RIVALS = 8

interface Tenant {
  readonly client: LadingClient
  readonly runId: string
}

/** What clients of three tenants do at once: sizes of all kinds, forms, one path for many, retries, an open job. */
export class Load {
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #tenants: readonly Tenant[]

  private constructor(ledger: Ledger, random: Random, tenants: readonly Tenant[]) {
    this.#ledger = ledger
    this.#random = random
    this.#tenants = tenants
  }

  /** Makes the runs, while all is well. */
  static async prepare(client: LadingClient, ledger: Ledger, random: Random): Promise<Load> {
    const tenants = TENANTS.map(async (name) => {
      const tenant = client.as(name)
      return { client: tenant, runId: (await tenant.createRun()).run_id }
    })
    return new Load(ledger, random, await Promise.all(tenants))
  }

  /** Until every upload was accepted or refused. */
  async run(): Promise<void> {
    const first = this.#tenants[0]
    if (first === undefined) throw new Error('there are no tenants')
    await Promise.all([
      ...this.#tenants.flatMap((tenant, n) => this.#mixed(tenant, n)),
      ...this.#tenants.map((tenant, n) => this.#form(tenant, n)),
      this.#ledger.put(first.client, first.runId, 'model.pt', this.#content(20 * MIB)),
      ...Array.from({ length: RIVALS }, () =>
        this.#ledger.put(first.client, first.runId, 'race/best.bin', this.#content(this.#size())),
      ),
      this.#retried(first),
      this.#open(first),
    ])
  }

  #mixed({ client, runId }: Tenant, tenant: number): Promise<unknown>[] {
    return Array.from({ length: 8 }, (_, n) =>
      this.#ledger.put(client, runId, `mixed/${tenant}-${n}.bin`, this.#content(n === 0 ? 0 : this.#size())),
    )
  }

  async #form({ client, runId }: Tenant, tenant: number): Promise<void> {
    const files = Array.from({ length: 5 }, (_, n) => ({
      path: `form-${tenant}/${n}.json`,
      content: this.#content(this.#random.between(0, 20_000)),
    }))
    const parts = files.map(({ path, content: file }) => ({ name: path, file }))
    const send = (headers: Readonly<Record<string, string>>) => client.logArtifact(runId, parts, headers)
    await this.#ledger.upload({ client, runId, files, send })
  }

  /** As a client that heard no answer, though there was one. */
  async #retried({ client, runId }: Tenant): Promise<void> {
    const key = randomUUID()
    const [path, file] = ['retried.bin', this.#content(100_000)]
    const jobId = await this.#ledger.put(client, runId, path, file, { key })
    const send = (headers: Readonly<Record<string, string>>) => client.put(runId, path, file, headers)
    if (jobId !== undefined)
      await this.#ledger.again(jobId, { client, runId, files: [{ path, content: file }], send }, key)
  }

  async #open({ client, runId }: Tenant): Promise<void> {
    const opened = await patiently(() =>
      client.call<JobResponse>('POST', `/api/v1/experiments/runs/${runId}/uploads`, {
        artifact_path: 'open',
      }),
    )
    const { job_id } = opened
    const files = Array.from({ length: 4 }, (_, n) => ({
      name: `${n}.bin`,
      file: this.#content(this.#size()),
    }))
    for (const { name, file } of files) {
      const send = (headers: Readonly<Record<string, string>>) =>
        client.put(runId, name, file, headers, { job_id })
      await this.#ledger.upload({ client, runId, files: [{ path: `open/${name}`, content: file }], send })
    }
    await patiently(() => client.call<JobResponse>('POST', `/api/v1/jobs/${job_id}/seal`, {}))
  }

  #size(): number {
    const kinds = [
      () => this.#random.between(1, 1000),
      () => this.#random.between(1000, 100_000),
      () => this.#random.between(100_000, 2 * MIB),
    ]
    return this.#random.oneOf(kinds)()
  }

  #content(size: number): Content {
    return content(size, `${this.#random.next()}`)
  }
}

async function patiently(call: () => Promise<{ status: number; body: JobResponse }>): Promise<JobResponse> {
  const answer = await until(
    async () => {
      const answer = await call()
      return answer.status < 300 && answer
    },
    { ...WITHIN, every: 200 },
  )
  return answer.body
}
