import pg from 'pg'
import { connectionOptions, type Database } from './database.ts'
import type { Leadership, Leaderships } from './delivery-catalog.ts'

/** An arbitrary number that no other use of advisory locks in this database has. */
const LEADER_LOCK = 0x6c61_6465

/**
 * One leader by a session's advisory lock (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS)
 * on a connection of its own: it ends with the connection, so a leader that was killed or cut off is followed by the
 * next one that asks. For a moment there may be two; leasing is safe against that, and only fairness suffers.
 */
export function leadershipsOf(db: Database): Leaderships {
  return {
    async tryTake() {
      const client = new pg.Client({ ...connectionOptions(db.options), application_name: 'lading leader' })
      const lost = new AbortController()
      client.on('error', (error) => lost.abort(error))
      client.on('end', () => lost.abort(new Error('the leader lost its connection')))
      try {
        await client.connect()
        const schema = db.options.schema ?? ''
        const answer = await client.query('SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken', [
          LEADER_LOCK,
          schema,
        ])
        if (answer.rows[0]?.taken === true) return leadership(client, lost.signal)
      } catch {
        // Postgres is away: nobody leads, and whoever asks will ask again.
      }
      await end(client)
      return undefined
    },
  }
}

function leadership(client: pg.Client, signal: AbortSignal): Leadership {
  // A connection that is cut without a word is noticed by asking.
  const probe = setInterval(() => {
    client.query('SELECT 1').catch(() => end(client))
  }, 5_000)
  return {
    signal,
    async [Symbol.asyncDispose]() {
      clearInterval(probe)
      await end(client)
    },
  }
}

async function end(client: pg.Client): Promise<void> {
  await client.end().catch(() => {
    // It is gone already, which is what was asked for.
  })
}
