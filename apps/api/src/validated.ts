import { LadingError } from '@lading/protocol'
import type { z } from 'zod'

/** The value as the schema reads it. Fails with `validation_failed`, which names each field that is not valid. */
export function validated<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues.slice(0, FAULTS).map((issue) => faultOf(issue, where))
  throw new LadingError('validation_failed', faults.join('; '))
}

/** Faults that one detail lists. */
const FAULTS = 5

function faultOf(issue: z.core.$ZodIssue, where: string): string {
  const field = issue.path.length === 0 ? where : issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return `${field}: ${issue.message}`
  const names = issue.keys.map((key) => JSON.stringify(key.slice(0, 80))).join(', ')
  return `${names}: ${field} has no such field`
}
