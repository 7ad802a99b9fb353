import type { WorkerContext } from '../context.ts'
import { pause } from '../pause.ts'
import type { Finding, ScrubContext } from './examine.ts'
import { Pace } from './pace.ts'
import { scrubPass } from './scrub-pass.ts'

/** Reads back what was delivered, at the pace of the settings, until the signal fires. The leader's work; never rejects. */
export async function scrubUntil(context: WorkerContext, signal: AbortSignal): Promise<void> {
  const { catalog, store, log } = context
  const { bytesPerSecond, objectsPerSecond, everyMs, pollMs } = context.config.scrub
  if (bytesPerSecond === 0) return
  const pace = { bytes: new Pace(bytesPerSecond), objects: new Pace(objectsPerSecond) }
  const scrub: ScrubContext = { catalog, store, pace }
  while (!signal.aborted) {
    const told = new Set<string>()
    try {
      await scrubPass(scrub, { olderThanMs: everyMs }, (finding) => tell(context, finding, told), signal)
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'reading back what was delivered was broken off')
    }
    await pause(pollMs, signal)
  }
}

/** A store that is away is said once in a pass, not for each artifact. */
function tell({ log, metrics, store }: WorkerContext, finding: Finding, told: Set<string>): void {
  const { artifact, verdict } = finding
  const { tenantId, runId, path, object, size } = artifact
  metrics.scrubbed.inc({ verdict })
  if (verdict === 'good') metrics.scrubbedBytes.inc(size)
  if (verdict === 'rotted')
    log.error(
      { tenantId, runId, path, uri: store.uri(object), rot: finding.rot },
      'an artifact has rotted: its object is gone, or holds other bytes',
    )
  if (verdict !== 'unchecked' || told.has(finding.error.code)) return
  told.add(finding.error.code)
  log.warn({ err: finding.error, uri: store.uri(object) }, 'an object could not be read back')
}
