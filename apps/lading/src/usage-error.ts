/** Arguments that mean nothing; the sentence names the argument, and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
