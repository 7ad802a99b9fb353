import type { WorkerContext } from './context.ts'
import { Dispatcher } from './dispatcher.ts'
import { pause } from './pause.ts'
import { scrubUntil } from './scrub/scrub-until.ts'
import { Sweeper } from './sweeper.ts'
import { WakeUp } from './wake-up.ts'

/** Leads whenever nobody else does, until the signal fires: dispatches, sweeps, and reads back. Never rejects. */
export async function lead(context: WorkerContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await leadOnce(context, signal)
    } catch (error) {
      context.log.warn({ err: error }, 'leading ended with an error')
    }
    await pause(context.config.pollMs, signal)
  }
}

/** Returns at once when another leads. */
async function leadOnce(context: WorkerContext, signal: AbortSignal): Promise<void> {
  await using leadership = await context.catalog.leadership.tryTake()
  if (!leadership) return
  context.metrics.leading.inc()
  context.log.info({ workerId: context.workerId }, 'leading')
  const until = AbortSignal.any([signal, leadership.signal])
  await Promise.all([dispatchUntil(context, until), sweepUntil(context, until), scrubUntil(context, until)])
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
        if (!signal.aborted) context.log.warn({ err: error }, 'a round of dispatching failed')
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
    const more = await sweeper.round(signal)
    if (!more) await pause(context.config.sweepMs, signal)
  }
}
