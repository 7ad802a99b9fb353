import type { Config } from '../config.ts'
import { openContext } from '../context.ts'
import { databaseUrlOf } from '../database-url.ts'
import { startOpsServer } from '../ops-server.ts'
import { untilSignal } from '../until-signal.ts'
import { workerOf } from './services.ts'

/** Runs a worker until it is asked to stop. */
export async function runWorker(config: Config): Promise<void> {
  const stopped = untilSignal()
  await using context = await openContext(config, databaseUrlOf(config, 'worker'))
  await using ops = await startOpsServer(context)
  const worker = workerOf(context)
  context.log.info({ workerId: worker.workerId, url: ops.url }, 'the worker is at work')
  const signal = await stopped
  context.log.info({ signal }, 'stopping')
  await worker.stop(config.shutdownGraceMs)
}
