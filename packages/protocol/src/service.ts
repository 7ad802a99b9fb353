import { z } from 'zod'

export const HealthResponse = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' })

export const ReadyResponse = z
  .strictObject({
    status: z.enum(['ok', 'degraded']),
    checks: z.record(z.string(), z.string()).meta({
      description: '`ok`, or what is wrong, for each of postgres, spool, store, queue and issuer',
    }),
  })
  .meta({ id: 'Ready' })
export type ReadyResponse = z.output<typeof ReadyResponse>
