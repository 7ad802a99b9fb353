import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { startEmbeddedPostgres } from './postgres.ts'
import { runningPostgres } from './running-postgres.ts'

export const DATABASE_ENDED = 'the embedded PostgreSQL ended'

export interface DatabaseOfConfig extends AsyncDisposable {
  /** Then nobody but this process has it. */
  readonly embedded: boolean
  readonly url: string
  /** Resolves when an embedded database ends by itself. */
  readonly ended: Promise<typeof DATABASE_ENDED>
  readonly log: string
}

/** The database that the settings name; without one, an embedded one, for as long as this is not disposed of. */
export async function databaseOf(config: Config): Promise<DatabaseOfConfig> {
  if (config.databaseUrl !== undefined) return anothers(config.databaseUrl)
  const directory = embeddedDirectory(config)
  const postgres = await startEmbeddedPostgres({ directory })
  return {
    embedded: true,
    url: postgres.url,
    ended: postgres.exited.then(() => DATABASE_ENDED),
    log: `${directory}.log`,
    [Symbol.asyncDispose]: () => postgres.stop(),
  }
}

/**
 * The same for a command that looks after what is there, and ends: the database of `lading up`, where that runs on the folder
 * now. Fails with `SettingsError` in a folder where it never ran: a database would be made, only to be found empty.
 */
export async function databaseThatIsThere(config: Config): Promise<DatabaseOfConfig> {
  if (config.databaseUrl !== undefined) return anothers(config.databaseUrl)
  const directory = embeddedDirectory(config)
  if (!existsSync(directory)) {
    throw new SettingsError([
      `LADING_DATA_DIR: ${config.dataDirectory} has no data of \`lading up\`; name the folder that has, or set DATABASE_URL`,
    ])
  }
  const running = await runningPostgres(directory)
  return running === undefined ? await databaseOf(config) : anothers(running)
}

/** One that others run, and use. */
function anothers(url: string): DatabaseOfConfig {
  return { embedded: false, url, ended: new Promise(() => {}), log: '', async [Symbol.asyncDispose]() {} }
}

function embeddedDirectory({ dataDirectory }: Config): string {
  return join(dataDirectory, 'postgres')
}
