import { InvalidArgumentError } from 'commander'
import type { Kind } from '../settings/kinds.ts'

/** An option's value, read as a setting of that kind is; one that is not valid ends the command with 2 and a sentence. */
export function argument<T>(kind: Pick<Kind<T>, 'parse'>): (text: string) => T {
  return (text) => {
    try {
      return kind.parse(text)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? `it ${error.message}` : String(error))
    }
  }
}
