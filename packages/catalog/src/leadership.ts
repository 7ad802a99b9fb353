import pg from 'pg'
import { connectionOptions, type Database } from './database.ts'
import type { Leadership, Leaderships } from './delivery-catalog.ts'

/** An arbitrary number that no other use of advisory locks in this database has. */
const LEADER_LOCK = 0x6c61_6465

/** Milliseconds without a word after which a leader is one no more; it asks four times as often. */
const SILENCE_MS = 10_000

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
        if (await takeLock(client, db.options.schema ?? '')) return leadership(client, lost)
      } catch (error) {
        // Postgres is away: nobody leads, and whoever asks will ask again.
        db.options.log.debug({ err: error }, 'leadership could not be asked for')
      }
      await end(client)
      return undefined
    },
  }
}

async function takeLock(client: pg.Client, schema: string): Promise<boolean> {
  // A leader that is frozen, or whose machine vanished, asks nothing more: then Postgres ends its session, and the lock with it.
  await client.query(`SET idle_session_timeout = ${SILENCE_MS}`)
  const answer = await client.query('SELECT pg_try_advisory_lock($1, hashtext($2)) AS taken', [
    LEADER_LOCK,
    schema,
  ])
  return answer.rows[0]?.taken === true
}

function leadership(client: pg.Client, lost: AbortController): Leadership {
  // A connection that is cut without a word is noticed by asking.
  let asking = false
  const probe = setInterval(async () => {
    if (asking) return
    asking = true
    try {
      await client.query('SELECT 1')
    } catch (error) {
      lost.abort(error)
      await end(client)
    }
    asking = false
  }, SILENCE_MS / 4)
  lost.signal.addEventListener('abort', () => clearInterval(probe), { once: true })
  return {
    signal: lost.signal,
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
