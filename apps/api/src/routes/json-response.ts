import type { z } from 'zod'
import type { ZodOpenApiResponseObject } from 'zod-openapi'

/** An answer with JSON, as the document describes it. */
export function json(description: string, schema: z.ZodType): ZodOpenApiResponseObject {
  return { description, content: { 'application/json': { schema } } }
}
