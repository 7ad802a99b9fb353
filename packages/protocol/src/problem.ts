import { z } from 'zod'
import { ERRORS, type ErrorCode } from './errors.ts'
import { idField } from './fields.ts'

/** The media type of every refusal (RFC 9457). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

export const Problem = z
  .strictObject({
    type: z
      .string()
      .meta({ description: 'URI of the kind of problem', example: 'urn:lading:error:run_not_found' }),
    title: z.string().meta({ description: 'The same at each occurrence' }),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; what programs compare', example: 'run_not_found' }),
    detail: z.string().meta({ description: 'Names the field and the limit, and what to do' }),
    instance: z.string().meta({ description: 'Path of the request' }),
    request_id: z.string(),
    retryable: z.boolean(),
    job_id: idField('job').optional(),
    status_url: z.string().optional(),
    quota: z
      .strictObject({
        of: z.enum(['bytes', 'objects', 'spooled_bytes']),
        used: z.int(),
        allowed: z.int(),
        asked: z.int(),
      })
      .optional()
      .meta({ description: 'What the tenant has of what it may have, and how much more was asked for' }),
    checks: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.output<typeof Problem>

/** The members of a problem that its error decides. */
export function problemOf(code: ErrorCode, detail: string) {
  const { title, status, retryable } = ERRORS[code]
  return { type: `urn:lading:error:${code}`, title, status, code, detail, retryable }
}
