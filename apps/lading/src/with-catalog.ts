import { type ApiCatalog, openCatalog } from '@lading/catalog'
import { readConfig } from './config.ts'
import { databaseUrlOf } from './database-url.ts'
import { createLog } from './log/create-log.ts'

/** For a command that changes or shows what the catalog has, where the database is. */
export async function withCatalog<T>(command: string, work: (catalog: ApiCatalog) => Promise<T>): Promise<T> {
  const config = readConfig(process.env)
  await using catalog = openCatalog({
    url: databaseUrlOf(config, command),
    defaultBucket: config.bucket,
    log: createLog(config.logLevel, process.stderr),
    quota: config.quota,
  })
  await catalog.api.check()
  return await work(catalog.api)
}
