import { z } from 'zod'

/** An id in a path. Whether it is a UUID is the handler's to ask: one that is not names nothing, and answers 404. */
export function idParam(what: string) {
  return z.string().meta({ description: `Id of the ${what}`, format: 'uuid', example: EXAMPLE_ID })
}

export function idField(what: string) {
  return z.string().meta({ description: `Id of the ${what} (UUIDv7)`, format: 'uuid', example: EXAMPLE_ID })
}

/** A time, as ISO 8601 in UTC with milliseconds. */
export const Timestamp = z.string().meta({ format: 'date-time', example: '2026-01-31T09:30:00.000Z' })

/** Characters in the name of an experiment or run. */
export const MAX_NAME_LENGTH = 500

/** A name that a person chose: any script, but nothing that a terminal obeys, and no lone surrogates. */
export const Name = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters')
  .regex(/\S/, 'must not be blank')
  .meta({ description: 'A name, in any script, without control characters', example: 'fraud-detector' })

export const Sha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits')
  .meta({ description: 'SHA-256, 64 hexadecimal digits' })

/** Bytes. */
export const ByteCount = z.int().min(0).meta({ description: 'Bytes' })

/** Rows in a page when a request does not say. */
export const DEFAULT_PAGE_LIMIT = 100
export const MAX_PAGE_LIMIT = 1000

/** The query parameters of every list. */
export const PAGE_FIELDS = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE_LIMIT)
    .default(DEFAULT_PAGE_LIMIT)
    .meta({ description: `Rows in a page, 1 to ${MAX_PAGE_LIMIT}` }),
  cursor: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: '`next_cursor` of the page before; opaque' }),
}

export const NextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Continues after the last row; null on the last page' })

/** A query flag: `true` or `false`. */
export function flag(description: string) {
  return z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description })
    .transform((text) => text === 'true')
}

/** A query flag that may be left out. */
export function optionalFlag(description: string) {
  return z
    .enum(['true', 'false'])
    .optional()
    .meta({ description })
    .transform((text) => (text === undefined ? undefined : text === 'true'))
}

/** Seconds to wait for an end. Longer than the server allows is cut to what it allows, not refused. */
export const WaitSeconds = z.coerce
  .number()
  .min(0)
  .max(86_400)
  .optional()
  .meta({ description: 'Seconds to wait for the job to end, cut to what the server allows (60 by default)' })

const EXAMPLE_ID = '019c1f6e-5d2a-7c3b-8f10-2b6a7d9e4c55'
