import { openCatalog } from '@lading/catalog'
import type { Config } from '../config.ts'
import { databaseUrlOf } from '../database-url.ts'
import { createLog } from '../log/create-log.ts'

/** Brings the schema up to date; `down` takes all of it back. */
export async function migrate(config: Config, options: { down: boolean }): Promise<void> {
  const log = createLog(config.logLevel)
  await using catalog = openCatalog({
    url: databaseUrlOf(config, 'migrate'),
    defaultBucket: config.bucket,
    log,
  })
  const ran = options.down ? await catalog.migrateDown() : await catalog.migrateUp()
  const what = options.down ? 'taken back' : 'applied'
  console.log(
    ran.length === 0 ? 'The schema is as it should be; nothing to do.' : `${what}: ${ran.join(', ')}`,
  )
}
