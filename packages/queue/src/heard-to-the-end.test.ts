import type { EventEmitter } from 'node:events'
import { PostgresConnection } from 'bullmq'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { heardToTheEnd } from './heard-to-the-end.ts'

test('an error that comes while the connection is being closed ends no process', async () => {
  const connection = new PostgresConnection({ connectionString: await freshDatabase() })
  heardToTheEnd(connection)
  const client = await connection.getListenClient()
  expect(await connection.getListenClient()).toBe(client)
  const closing = connection.close()
  const goodbye = new Error('terminating connection due to administrator command')
  await Promise.resolve()
  expect(() => (client as unknown as EventEmitter).emit('error', goodbye)).not.toThrow()
  await closing
})
