import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Problem } from '@lading/protocol'
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

interface Refusal {
  readonly client: LadingClient
  readonly runId: string
  readonly path: string
  readonly code: string
  /** The code that was expected. */
  readonly mayBe: string | undefined
}

interface Upload {
  readonly client: LadingClient
  readonly runId: string
  readonly files: readonly { readonly path: string; readonly content: Content }[]
  /** One try, with these headers. */
  send(headers: Readonly<Record<string, string>>): Promise<UploadAnswer>
  readonly mustFail?: string
  /** The code by which it may be refused: the fault was in the request. */
  readonly mayBeRefused?: string
}

/** Milliseconds between two tries of a client that was told nothing, or to come again. */
const PAUSE_MS = 200

/** The clients' own record: what they were told that was accepted, and what was not. */
export class Ledger {
  readonly receipts: Receipt[] = []
  /** Paths of uploads that were refused for good, with their runs: nothing of them may be there. */
  readonly refused: Refusal[] = []
  /** Jobs that answered to an idempotency key that another job has answered to. */
  readonly duplicated: string[] = []

  /** Of an upload that was accepted, these files are to fail with the code. */
  expectFailure(jobId: string, files: Upload['files'], mustFail: string): void {
    const accepted = this.receipts.find((receipt) => receipt.jobId === jobId)
    if (accepted === undefined) throw new Error(`there is no receipt of job ${jobId}`)
    this.#accept({ ...accepted, files, mustFail }, jobId)
  }

  /** The SHA-256 of all that was accepted, by run and path: which of a path's came last, only the catalog knows. */
  sent(): Map<string, Set<string>> {
    const sent = new Map<string, Set<string>>()
    for (const { runId, files } of this.receipts) {
      for (const { path, sha256 } of files) {
        const place = `${runId}/${path}`
        sent.set(place, (sent.get(place) ?? new Set()).add(sha256))
      }
    }
    return sent
  }

  /** Files that were accepted. */
  get accepted(): number {
    return this.receipts.reduce((sum, receipt) => sum + receipt.files.length, 0)
  }

  /**
   * Sends as a client does that wants to be sure: with an idempotency key, again and again until it is told that the
   * upload was accepted, or that it never will be. The job, if there is one.
   */
  async upload(upload: Upload, key: string = randomUUID()): Promise<string | undefined> {
    const { status, body } = await untilAnswered(upload, key)
    return status < 300 ? this.#accept(upload, body.job_id) : this.#refuse(upload, body)
  }

  put(
    client: LadingClient,
    runId: string,
    path: string,
    content: Content,
    options: Pick<Upload, 'mustFail' | 'mayBeRefused'> & { readonly key?: string } = {},
  ): Promise<string | undefined> {
    const { key, ...rest } = options
    const send = (headers: Readonly<Record<string, string>>) => client.put(runId, path, content, headers)
    return this.upload({ client, runId, files: [{ path, content }], send, ...rest }, key)
  }

  /** The same upload once more, as after a lost answer: it must be the same job. */
  async again(jobId: string, upload: Upload, key: string): Promise<void> {
    const other = (await untilAnswered(upload, key)).body.job_id
    if (other !== jobId) this.duplicated.push(`${jobId} and ${other}`)
  }

  #accept({ client, runId, files, mustFail }: Omit<Upload, 'send'>, jobId: string): string {
    const described = files.map(({ path, content: { size, sha256 } }) => ({ path, size, sha256 }))
    this.receipts.push({ client, runId, jobId, files: described, ...(mustFail && { mustFail }) })
    return jobId
  }

  #refuse({ client, runId, files, mayBeRefused: mayBe }: Upload, problem: Partial<Problem>): undefined {
    const code = `${problem.code}: ${problem.detail}`
    for (const { path } of files) this.refused.push({ client, runId, path, code, mayBe })
  }
}

/** What a client is told at last: that the upload was accepted, or that it never will be. */
async function untilAnswered(upload: Upload, key: string): Promise<UploadAnswer> {
  const end = performance.now() + WITHIN.within
  let last: unknown
  while (performance.now() < end) {
    try {
      const answer = await upload.send({ 'idempotency-key': key })
      if (answer.status < 300 || answer.body.retryable !== true) return answer
      last = answer.body
    } catch (error) {
      last = error
    }
    await delay(PAUSE_MS)
  }
  throw new Error(`an upload of ${upload.files[0]?.path} never got an answer`, { cause: last })
}
