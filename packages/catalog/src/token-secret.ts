import { randomBytes } from 'node:crypto'
import type { Database } from './database.ts'

export interface TokenSecret {
  /** 32 random bytes, the same for every process of the database; made when they are first asked for. */
  get(): Promise<Buffer>
  /** Another one from now on: what was signed with the old one is refused where that is no longer remembered. */
  replace(): Promise<void>
}

export function tokenSecretOf(db: Database): TokenSecret {
  return {
    async get() {
      const [row] = await db.query<{ secret: Buffer }>('SELECT secret FROM token_secret')
      if (row) return row.secret
      // Of several who find none, one makes it.
      const [made] = await db.query<{ secret: Buffer }>(
        `INSERT INTO token_secret (secret) VALUES (:secret)
         ON CONFLICT (sole) DO UPDATE SET secret = token_secret.secret RETURNING secret`,
        { secret: randomBytes(32) },
      )
      return (made as { secret: Buffer }).secret
    },
    async replace() {
      await db.query(
        `INSERT INTO token_secret (secret) VALUES (:secret)
         ON CONFLICT (sole) DO UPDATE SET secret = EXCLUDED.secret, created_at = now()`,
        { secret: randomBytes(32) },
      )
    },
  }
}
