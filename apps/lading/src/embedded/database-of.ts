import { join } from 'node:path'
import type { Config } from '../config.ts'
import { startEmbeddedPostgres } from './postgres.ts'

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
  const directory = embeddedDirectory(config)
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

export function embeddedDirectory({ dataDirectory }: Config): string {
  return join(dataDirectory, 'postgres')
}
