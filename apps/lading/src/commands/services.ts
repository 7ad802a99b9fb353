import { type Api, createApi } from '@lading/api'
import { startWorker, type WorkerService } from '@lading/worker'
import type { Context } from '../context.ts'
import { probeStore } from '../probe-store.ts'

/** The API of this process, not yet listening. */
export function apiOf({ catalog, spool, store, queue, log, metrics, config }: Context): Api {
  return createApi(
    {
      catalog: catalog.api,
      spool,
      store,
      queueCheck: () => queue.check(),
      jobChanges: { onHint: (listener) => catalog.hints.onJobs(listener) },
      log,
      metrics,
    },
    config.api,
  )
}

/** The worker of this process, already at work. */
export function workerOf(context: Context): WorkerService {
  const { catalog, queue, store, spool, log, metrics, config } = context
  void probeStore(context)
  return startWorker({ catalog, queue, store, spools: [spool], log, registry: metrics }, config.worker)
}
