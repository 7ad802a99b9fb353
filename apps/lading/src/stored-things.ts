import { existsSync } from 'node:fs'
import { type Catalog, openCatalog } from '@lading/catalog'
import type { ObjectStore } from '@lading/core'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { openStore } from './context.ts'
import { databaseOf, embeddedDirectory } from './embedded/database-of.ts'
import { createLog } from './log/create-log.ts'
import { SettingsError } from './settings/settings-error.ts'
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
  requireData(config)
  if (config.checkpoints !== undefined) stopAtCheckpoints(config.checkpoints)
  const log = createLog(config.logLevel, process.stderr)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`it was stopped by ${name}`)))
  await using database = await databaseOf(config)
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

/** In a folder where nothing was ever stored, an embedded database would be made, only to be found empty. */
function requireData(config: Config): void {
  if (config.databaseUrl !== undefined || existsSync(embeddedDirectory(config))) return
  throw new SettingsError([
    `LADING_DATA_DIR: ${config.dataDirectory} has no data of \`lading up\`; name the folder that has, or set DATABASE_URL`,
  ])
}
