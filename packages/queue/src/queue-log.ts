/** Where the queue tells what it met and overcame. `debug` is for what is expected, `warn` for what an operator acts on. */
export type QueueLog = (
  level: 'debug' | 'warn',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export const silent: QueueLog = () => undefined

/**
 * Tells the same error once in `intervalMs` milliseconds: a server that is away fails every connection once a second,
 * and a line each is noise in which the first drowns.
 */
export function seldom(log: QueueLog, intervalMs = 60_000): QueueLog {
  const told = new Map<string, number>()
  return (level, message, fields) => {
    const key = `${level} ${message} ${String(fields.error)}`
    const now = performance.now()
    if (now - (told.get(key) ?? -Infinity) < intervalMs) return
    // Errors that name a job are all different; what has been told need not be kept for ever.
    if (told.size >= 100) told.clear()
    told.set(key, now)
    log(level, message, fields)
  }
}
