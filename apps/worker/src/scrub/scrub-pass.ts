import { inParallel } from '../in-parallel.ts'
import { examine, type Finding, type ScrubContext } from './examine.ts'

export interface ScrubScope {
  /** Artifacts that were read, or stored, more recently are left out (milliseconds). */
  readonly olderThanMs: number
  readonly tenant?: string
  readonly runId?: string
}

const BATCH = 100
/** Objects that are read at once: several, since a small one is mostly waiting. */
const LANES = 4

/**
 * Reads back what is due, once, what was not read for longest first; what cannot be read does not keep the others
 * waiting. Reports each artifact as it goes. Rejects on abort, and when the catalog does not answer.
 */
export async function scrubPass(
  context: ScrubContext,
  { olderThanMs, ...only }: ScrubScope,
  report: (finding: Finding) => void,
  signal: AbortSignal,
): Promise<void> {
  const { scrubs } = context.catalog
  let place = await scrubs.begin(olderThanMs, only)
  for (;;) {
    const due = await scrubs.due(place, BATCH)
    await inParallel(due, LANES, async (artifact) => {
      await context.pace.objects.take(1, signal)
      report(await examine(context, artifact, signal))
    })
    const last = due.at(-1)
    if (last === undefined) return
    place = last.place
  }
}
