import { type Catalog, openCatalog } from '@lading/catalog'
import type { ObjectStore } from '@lading/core'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { openStore } from './context.ts'
import { databaseThatIsThere } from './embedded/database-of.ts'
import { createLog } from './log/create-log.ts'
import { stopAtCheckpoints } from './stop-at-checkpoints.ts'

export interface StoredThings {
  readonly catalog: Catalog
  readonly store: ObjectStore
  readonly log: Logger
  /** Fires when the command is asked to stop. */
  readonly signal: AbortSignal
}

/** For a command that looks after what is stored, and ends. What it logs goes to standard error. */
export async function withStoredThings<T>(
  config: Config,
  work: (things: StoredThings) => Promise<T>,
): Promise<T> {
  if (config.checkpoints !== undefined) stopAtCheckpoints(config.checkpoints)
  const log = createLog(config.logLevel, process.stderr)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`it was stopped by ${name}`)))
  await using database = await databaseThatIsThere(config)
  await using catalog = openCatalog({
    url: database.url,
    defaultBucket: config.bucket,
    log,
    poolSize: config.poolSize,
  })
  await catalog.delivery.check()
  const store = openStore(config)
  try {
    return await work({ catalog, store, log, signal: stop.signal })
  } finally {
    await store.close()
  }
}
