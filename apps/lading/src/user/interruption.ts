import { EXIT_CODES } from '../exit-codes.ts'
import { Interrupted } from '../interrupted.ts'

/** Fires on the first SIGINT or SIGTERM. A second ends the process at once, for a person who will not wait. */
export function interruption(): AbortSignal {
  const asked = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(EXIT_CODES.interrupted.code)
      asked.abort(new Interrupted())
    })
  }
  return asked.signal
}
