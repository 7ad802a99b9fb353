import { newId } from '@lading/core'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { Database } from './database.ts'
import { openMigrated, SILENT } from './fixtures/harbour.ts'
import { oneOfEach } from './fixtures/one-of-each.ts'
import { openCatalog } from './open.ts'

test('a login that may not make the role is told what to run, and one that does not own the tables is not ready', async () => {
  // The role is there, as on a server that has another database of Lading's.
  await using other = await openMigrated(await freshDatabase())
  await other.api.check()
  const login = `login_${newId().replaceAll('-', '')}`
  const url = new URL(await freshDatabase())
  const admin = new Database({ url: url.href, poolSize: 2, timeoutMs: 10_000, log: SILENT })
  await admin.query(`CREATE ROLE ${login} LOGIN PASSWORD 'secret'`)
  await admin.query(`GRANT ALL ON SCHEMA public TO ${login}`)
  Object.assign(url, { username: login, password: 'secret' })
  const own = openCatalog({ url: url.href, defaultBucket: 'bucket', log: SILENT })
  const refused = {
    code: 'catalog_unavailable',
    detail: expect.stringContaining(`GRANT lading_tenant TO ${login}`),
  }

  await expect(own.migrateUp()).rejects.toMatchObject(refused)
  await admin.query(`GRANT lading_tenant TO ${login}`)
  await own.migrateUp()
  await own.api.check()
  const harbour = await oneOfEach(own)
  expect(await harbour.store(['a'])).toMatchObject({ state: 'completed' })

  await admin.query(`REVOKE lading_tenant FROM ${login}`)
  await expect(own.api.check()).rejects.toMatchObject(refused)
  await admin.query(`GRANT lading_tenant TO ${login}`)
  await admin.query('ALTER TABLE jobs OWNER TO CURRENT_USER')
  await admin.query(`GRANT ALL ON jobs TO ${login}`)
  await expect(own.api.check()).rejects.toMatchObject({
    detail: expect.stringContaining('does not own the tables'),
  })
  await own.close()
  await admin.close()
})
