import type { Outcome, TakenWork } from '@lading/catalog'
import { mayRetry, type WrittenObject } from '@lading/core'
import type { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import type { HeldLease } from './lease-keeper.ts'

/** One worker's try at a piece of a job, and how its files came out. */
export class Attempt {
  readonly #context: WorkerContext
  readonly work: TakenWork
  readonly lease: HeldLease
  /** Fires when the lease is lost, or the process stops. */
  readonly letGo: AbortSignal
  /** Files that ended. The others are still to be delivered. */
  readonly outcomes: Outcome[] = []
  /** Objects that are written and not proven yet, by their files. */
  readonly unproven = new Map<string, WrittenObject>()
  #retryAfter: LadingError | undefined

  constructor(context: WorkerContext, work: TakenWork, lease: HeldLease, stop: AbortSignal) {
    this.#context = context
    this.work = work
    this.lease = lease
    this.letGo = AbortSignal.any([lease.lost, stop])
  }

  /** The last error of a file that is to be tried again; undefined when none is. */
  get retryAfter(): LadingError | undefined {
    return this.#retryAfter
  }

  /** Fires when the file is no longer wanted: its job was cancelled, or a newer one was accepted. */
  unwanted(fileId: string): AbortSignal {
    return AbortSignal.any([this.lease.superseded(fileId), this.lease.cancelled])
  }

  /** Without a proof, the file has not ended. */
  written(fileId: string, object: WrittenObject): void {
    if (object.proof === undefined) this.unproven.set(fileId, object)
    else this.stored(fileId, object)
  }

  stored(fileId: string, { ref, etag }: Pick<WrittenObject, 'ref' | 'etag'>): void {
    this.outcomes.push({ fileId, state: 'stored', object: ref, etag })
  }

  /** The error says whether the file may be tried again, the policy whether it still is. */
  failed(fileId: string, error: LadingError): void {
    if (this.triesAgain(fileId, error)) return
    const { attempts } = this.work
    const tries = attempts > 1 ? ` (attempt ${attempts}, the last)` : ''
    this.outcomes.push({ fileId, state: 'failed', code: error.code, detail: `${storable(error)}${tries}` })
  }

  /** Notes the error. Whether the file is tried again after it. */
  triesAgain(fileId: string, error: LadingError): boolean {
    const { config, metrics, log } = this.#context
    const { jobId, attempts } = this.work
    const again = error.retryable && mayRetry(config.retry, this.work)
    metrics.failedAttempts.inc({ code: error.code })
    log.warn({ err: error, jobId, fileId, attempts, again }, 'a file was not delivered')
    if (again) this.#retryAfter = error
    return again
  }
}

const LONGEST_DETAIL = 2_000

/** What an error says, as Postgres takes it: its texts cannot hold U+0000. */
export function storable({ detail }: LadingError): string {
  return detail.replaceAll('\0', '\ufffd').slice(0, LONGEST_DETAIL)
}
