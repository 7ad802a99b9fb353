export interface Watched {
  /** Whether tickets could be taken now. */
  idle(): boolean
  /** How many tickets were ever taken. */
  taken(): number
  /** How many tickets wait in the queue; rejects when that cannot be told. */
  waiting(): Promise<number>
  revive(): void
}

/** Milliseconds between looks, and for how long tickets may wait in front of idle slots before `revive` is called. */
export interface WatchdogTimes {
  readonly everyMs: number
  readonly starvedMs: number
}

/**
 * Looks after a worker that stops fetching without a word: it happens to BullMQ after trouble with its blocking
 * connection (taskforcesh/bullmq issues 3185 and 4585), where every sign but the growing queue says that all is well.
 * A server that does not answer proves nothing and starts the clock again.
 */
export function watch(watched: Watched, { everyMs, starvedMs }: WatchdogTimes): { stop(): void } {
  let starvedSince: number | undefined
  let seen = watched.taken()
  let looking = false

  async function look(): Promise<void> {
    const starving = await isStarving(watched, seen).catch(() => false)
    seen = watched.taken()
    if (!starving) {
      starvedSince = undefined
      return
    }
    starvedSince ??= performance.now()
    if (performance.now() - starvedSince < starvedMs) return
    starvedSince = undefined
    watched.revive()
  }

  const timer = setInterval(async () => {
    if (looking) return
    looking = true
    await look()
    looking = false
  }, everyMs)
  return { stop: () => clearInterval(timer) }
}

async function isStarving(watched: Watched, seen: number): Promise<boolean> {
  if (!watched.idle() || watched.taken() !== seen) return false
  const waiting = await watched.waiting()
  return waiting > 0 && watched.idle() && watched.taken() === seen
}
