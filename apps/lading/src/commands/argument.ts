import type { Kind } from '../settings/kinds.ts'
import { UsageError } from '../usage-error.ts'

/** An option's value, read as a setting of that kind is. Fails with a `UsageError`. */
export function argument<T>(kind: Pick<Kind<T>, 'parse'>, option: string, text: string): T {
  try {
    return kind.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? `it ${error.message}` : String(error)
    throw new UsageError(`option '${option}' argument '${text}' is invalid. ${reason}`)
  }
}
