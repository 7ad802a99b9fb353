import { setTimeout as delay } from 'node:timers/promises'
import type { WorkerContext } from './context.ts'
import { Dispatcher } from './dispatcher.ts'
import { Sweeper } from './sweeper.ts'
import { WakeUp } from './wake-up.ts'

/** Leads whenever nobody else does, until the signal fires: dispatches, and sweeps. */
export async function lead(context: WorkerContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await using leadership = await context.catalog.leadership.tryTake()
    if (leadership) {
      context.metrics.leading.inc()
      context.log.info({ workerId: context.workerId }, 'leading')
      const until = AbortSignal.any([signal, leadership.signal])
      await Promise.all([dispatchUntil(context, until), sweepUntil(context, until)])
    }
    await pause(context.config.pollMs, signal)
  }
}

async function dispatchUntil(context: WorkerContext, signal: AbortSignal): Promise<void> {
  const dispatcher = new Dispatcher(context)
  const bell = new WakeUp()
  const unsubscribe = context.hints.onWork(() => bell.ring())
  try {
    while (!signal.aborted) {
      try {
        await dispatcher.round()
      } catch (error) {
        context.log.warn({ err: error }, 'a round of dispatching failed')
        await pause(context.config.pollMs, signal)
      }
      await bell.wait(context.config.pollMs, signal)
    }
  } finally {
    unsubscribe()
  }
}

async function sweepUntil(context: WorkerContext, signal: AbortSignal): Promise<void> {
  const sweeper = new Sweeper(context)
  while (!signal.aborted) {
    try {
      await sweeper.round(signal)
    } catch (error) {
      if (!signal.aborted) context.log.warn({ err: error }, 'a sweep failed')
    }
    await pause(context.config.sweepMs, signal)
  }
}

/** Ends early, and without an error, when the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
