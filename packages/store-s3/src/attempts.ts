import { setTimeout as sleep } from 'node:timers/promises'
import { type Asked, classify, isRefusedOutright } from './errors.ts'

/** A few quick tries for what passes by itself; backoff and dead letters are the catalog's. */
const TRIES = 3
const FIRST_PAUSE_MS = 100

export interface Attempted extends Asked {
  readonly signal: AbortSignal
  /** The bound of each try (milliseconds). */
  readonly timeoutMs: number
  /** False for a request that does harm when it takes effect twice: only what the store refused outright is repeated. */
  readonly repeatable?: boolean
}

/**
 * Sends a request, again if its fault may pass, and throws a `LadingError` or the reason of `signal`. `send` must build
 * the request anew each time, and obey the signal it is given.
 */
export async function attempt<T>(asked: Attempted, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await bounded(asked, send)
    } catch (cause) {
      if (asked.signal.aborted) throw asked.signal.reason
      const error = classify(cause, asked)
      const repeatable = asked.repeatable !== false || isRefusedOutright(cause)
      if (error.code !== 'store_unavailable' || !repeatable || tried === TRIES) throw error
    }
    await pause(FIRST_PAUSE_MS * 2 ** (tried - 1), asked.signal)
  }
}

async function bounded<T>(asked: Attempted, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
  asked.signal.throwIfAborted()
  const controller = new AbortController()
  const onAbort = () => controller.abort(asked.signal.reason)
  asked.signal.addEventListener('abort', onAbort, { once: true })
  let late: TimedOut | undefined
  const timer = setTimeout(() => {
    late = new TimedOut(`no answer within ${asked.timeoutMs} ms`)
    controller.abort(late)
  }, asked.timeoutMs)
  try {
    return await send(controller.signal)
  } catch (cause) {
    throw late !== undefined && controller.signal.reason === late ? late : cause
  } finally {
    clearTimeout(timer)
    asked.signal.removeEventListener('abort', onAbort)
  }
}

class TimedOut extends Error {
  override readonly name = 'TimeoutError'
}

/** Between half and all of `ms`, so that workers that failed together do not return together. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms * (0.5 + Math.random() / 2), undefined, { signal })
  } catch {
    throw signal.reason
  }
}
