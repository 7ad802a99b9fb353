import type { Config } from '../config.ts'
import { openContext } from '../context.ts'
import { DATABASE_ENDED, databaseOf } from '../embedded/database-of.ts'
import { untilSignal } from '../until-signal.ts'
import { greet } from '../welcome.ts'
import { apiOf, workerOf } from './services.ts'

/** Runs everything in this process: the API, a worker, and an embedded PostgreSQL unless one is given. */
export async function runUp(config: Config): Promise<void> {
  const stopped = untilSignal()
  await using database = await databaseOf(config)
  await using context = await openContext(config, database.url)
  await context.catalog.migrateUp()
  if (database.embedded) await context.catalog.delivery.backlog.expire({ all: true })
  const api = apiOf(context)
  const worker = workerOf(context)
  const { url } = await api.listen()
  await greet(context, url)
  const why = await Promise.race([stopped, database.ended])
  context.log.info({ why }, 'stopping')
  await api.stop(config.shutdownGraceMs)
  await worker.stop(config.shutdownGraceMs)
  if (why === DATABASE_ENDED) throw new Error(`the embedded PostgreSQL ended; see ${database.log}`)
}
