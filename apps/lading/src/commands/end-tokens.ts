import { LadingError } from '@lading/protocol'
import type { Environment } from '../environment.ts'
import { withCatalog } from '../with-catalog.ts'

/** Has tokens of runs signed with another secret of the database from now on, so that those that were made are no good. */
export async function endTokens(environment: Environment): Promise<void> {
  if (environment.LADING_TOKEN_SECRET?.trim()) {
    throw new LadingError(
      'bad_request',
      'LADING_TOKEN_SECRET: tokens are signed with it; give every API another to end them',
    )
  }
  await withCatalog(({ tokenSecret }) => tokenSecret.replace())
  console.log('Tokens that were made until now are refused within 10 seconds.')
}
