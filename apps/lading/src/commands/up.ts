import { join } from 'node:path'
import type { Config } from '../config.ts'
import { openContext } from '../context.ts'
import { startEmbeddedPostgres } from '../embedded/postgres.ts'
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

const DATABASE_ENDED = 'the embedded PostgreSQL ended'

interface DatabaseOfUp extends AsyncDisposable {
  /** Then nobody but this process has it. */
  readonly embedded: boolean
  readonly url: string
  /** Resolves when an embedded database ends by itself. */
  readonly ended: Promise<typeof DATABASE_ENDED>
  readonly log: string
}

async function databaseOf(config: Config): Promise<DatabaseOfUp> {
  const directory = join(config.dataDirectory, 'postgres')
  if (config.databaseUrl !== undefined) {
    return {
      embedded: false,
      url: config.databaseUrl,
      ended: new Promise(() => {}),
      log: '',
      async [Symbol.asyncDispose]() {},
    }
  }
  const postgres = await startEmbeddedPostgres({ directory })
  return {
    embedded: true,
    url: postgres.url,
    ended: postgres.exited.then(() => DATABASE_ENDED),
    log: `${directory}.log`,
    [Symbol.asyncDispose]: () => postgres.stop(),
  }
}
