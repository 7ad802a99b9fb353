import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { WITHIN } from '../support/patience.ts'
import type { LadingClient } from '../support/system-client.ts'
import type { Content } from '../support/system-content.ts'
import type { UploadAnswer } from '../support/system-upload.ts'

export interface Receipt {
  readonly client: LadingClient
  readonly runId: string
  readonly jobId: string
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[]
  /** The code by which its files must fail: the fault was in their bytes, and that is told. */
  readonly mustFail?: string
}

interface Upload {
  readonly client: LadingClient
  readonly runId: string
  readonly files: readonly { readonly path: string; readonly content: Content }[]
  /** One try, with these headers. */
  send(headers: Readonly<Record<string, string>>): Promise<UploadAnswer>
  readonly mustFail?: string
}

/** Milliseconds between two tries of a client that was told nothing, or to come again. */
const PAUSE_MS = 200

/** The clients' own record: what they were told that was accepted, and what was not. */
export class Ledger {
  readonly receipts: Receipt[] = []
  /** Paths of uploads that were refused for good, with their runs: nothing of them may be there. */
  readonly refused: { readonly client: LadingClient; readonly runId: string; readonly path: string }[] = []
  /** Jobs that answered to an idempotency key that another job has answered to. */
  readonly duplicated: string[] = []

  /** Files that were accepted. */
  get accepted(): number {
    return this.receipts.reduce((sum, receipt) => sum + receipt.files.length, 0)
  }

  /**
   * Sends as a client does that wants to be sure: with an idempotency key, again and again until it is told that the
   * upload was accepted, or that it never will be. The job, if there is one.
   */
  async upload(upload: Upload, key: string = randomUUID()): Promise<string | undefined> {
    const end = performance.now() + WITHIN.within
    for (;;) {
      const answer = await upload.send({ 'idempotency-key': key }).catch(() => undefined)
      if (answer?.status === 202 || answer?.status === 201) return this.#accept(upload, answer.body.job_id)
      if (answer !== undefined && answer.body.retryable !== true) return this.#refuse(upload)
      if (performance.now() > end) throw new Error(`an upload never got an answer: ${JSON.stringify(answer)}`)
      await delay(PAUSE_MS)
    }
  }

  put(
    client: LadingClient,
    runId: string,
    path: string,
    content: Content,
    options: { readonly mustFail?: string; readonly key?: string } = {},
  ): Promise<string | undefined> {
    const { key, ...rest } = options
    const send = (headers: Readonly<Record<string, string>>) => client.put(runId, path, content, headers)
    return this.upload({ client, runId, files: [{ path, content }], send, ...rest }, key)
  }

  /** The same upload once more, as after a lost answer: it must be the same job. */
  async again(jobId: string, upload: Upload, key: string): Promise<void> {
    const before = this.receipts.length
    const other = await this.upload(upload, key)
    this.receipts.length = before
    if (other !== jobId) this.duplicated.push(`${jobId} and ${other}`)
  }

  #accept({ client, runId, files, mustFail }: Upload, jobId: string): string {
    const described = files.map(({ path, content: { size, sha256 } }) => ({ path, size, sha256 }))
    this.receipts.push({ client, runId, jobId, files: described, ...(mustFail && { mustFail }) })
    return jobId
  }

  #refuse({ client, runId, files }: Upload): undefined {
    for (const { path } of files) this.refused.push({ client, runId, path })
  }
}
