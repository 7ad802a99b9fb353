import type { TokenScope } from '@lading/client'
import { duration } from '../settings/kinds.ts'
import { UsageError } from '../usage-error.ts'
import type { Session } from './session.ts'

export interface TokenArguments {
  readonly run: string
  readonly ttl: string
  readonly scopes?: readonly TokenScope[]
}

/** Prints the token alone, for a shell to keep; with JSON, until when it is valid, too. */
export async function makeToken(
  { client, output, signal }: Session,
  { run, ttl, scopes }: TokenArguments,
): Promise<void> {
  const ttlSeconds = secondsOf(ttl)
  const made = await client.run(run).createToken({ ttlSeconds, ...(scopes && { scopes }), signal })
  await output.result(made, made.token)
}

/** The server has the limits. */
function secondsOf(ttl: string): number {
  try {
    return Math.floor(duration().parse(ttl) / 1000)
  } catch (cause) {
    throw new UsageError(`--ttl: ${JSON.stringify(ttl)} ${(cause as Error).message}`, { cause })
  }
}
