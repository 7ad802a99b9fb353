import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { toldError } from './told-error.ts'
import { withoutSecrets } from './without-secrets.ts'

/**
 * The log of a process: a line of JSON for each event, to standard output unless another stream is given. Whoever may
 * read it may not act in the name of Lading or its clients: `test/e2e/secrets.test.ts` searches it for what would let them.
 */
export function createLog(level: LevelWithSilent, stream?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      serializers: { err: toldError, error: toldError },
      hooks: { streamWrite: withoutSecrets },
    },
    stream ?? pino.destination(1),
  )
}
