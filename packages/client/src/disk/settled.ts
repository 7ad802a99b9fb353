import { setTimeout as passed } from 'node:timers/promises'

/**
 * Milliseconds for which a file must not have been written to before it is read. A write changes a file's time when it
 * begins, and not again when it ends, so the time of a file that is half written does not tell.
 */
export const SETTLED_MS = 50

/** Waits until a write at `mtimeNs` is over; not longer for a time in the future, which another host's clock gives. */
export async function settled(mtimeNs: bigint): Promise<void> {
  const age = Date.now() - Number(mtimeNs / 1_000_000n)
  if (age < SETTLED_MS) await passed(Math.min(SETTLED_MS, SETTLED_MS - age))
}
