import { type ApiCatalog, openCatalog } from '@lading/catalog'
import { readConfig } from './config.ts'
import { databaseThatIsThere } from './embedded/database-of.ts'
import { createLog } from './log/create-log.ts'

/** For a command that changes or shows what the catalog has, where the database is. */
export async function withCatalog<T>(work: (catalog: ApiCatalog) => Promise<T>): Promise<T> {
  const config = readConfig(process.env)
  await using database = await databaseThatIsThere(config)
  await using catalog = openCatalog({
    url: database.url,
    defaultBucket: config.bucket,
    log: createLog(config.logLevel, process.stderr),
    quota: config.quota,
  })
  await catalog.api.check()
  return await work(catalog.api)
}
