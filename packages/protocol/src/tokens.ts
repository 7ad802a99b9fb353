import { z } from 'zod'
import { idField, Timestamp } from './fields.ts'

/** Seconds; a training that takes longer asks for another. */
export const MAX_TOKEN_TTL = 7 * 24 * 3600
export const MIN_TOKEN_TTL = 60

/** What a token of a run may be allowed: `admin` is of a whole tenant. */
export const TokenScope = z.enum(['read', 'write', 'delete'])
export type TokenScope = z.output<typeof TokenScope>

export const CreateTokenRequest = z
  .strictObject({
    ttl_seconds: z
      .int()
      .min(MIN_TOKEN_TTL)
      .max(MAX_TOKEN_TTL)
      .default(3600)
      .meta({ description: 'How long it is valid; less where the key that asks for it ends before' }),
    scopes: z.array(TokenScope).min(1).optional().meta({
      description: 'Of those that the caller has; `read` and `write`, as far as it has them, when left out',
    }),
  })
  .meta({ id: 'CreateToken' })

export const TokenResponse = z
  .strictObject({
    token: z.string().meta({ description: 'Sent as `Authorization: Bearer`; it cannot be shown again' }),
    run_id: idField('run'),
    scopes: z.array(TokenScope),
    expires_at: Timestamp,
  })
  .meta({ id: 'Token' })
export type TokenResponse = z.output<typeof TokenResponse>
