import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import { pause } from './pause.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

/**
 * Repeats a statement that is safe to repeat while Postgres is away, until the signal fires: work that was done is
 * worth waiting for. It is tried once in any case, and rejects with its own last error.
 */
export async function persistently<T>(
  { log }: Pick<WorkerContext, 'log'>,
  signal: AbortSignal,
  statement: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await statement()
    } catch (error) {
      const away = error instanceof LadingError && error.code === 'catalog_unavailable'
      if (!away || signal.aborted) throw error
      log.debug({ err: error }, 'the catalog is away; it is asked again')
      await pause(pauseMs, signal)
    }
  }
}
