/** Where the queue tells what it met and overcame. `debug` is for what is expected, `warn` for what an operator acts on. */
export type QueueLog = (
  level: 'debug' | 'warn',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void

export const silent: QueueLog = () => undefined

/**
 * Tells an error once for as long as the same one repeats: a server that is away fails every connection once a second,
 * and a line each is noise in which the first drowns.
 */
export function onceInARow(log: QueueLog, intervalMs = 60_000): QueueLog {
  let last = ''
  let at = -Infinity
  return (level, message, fields) => {
    const key = `${level} ${message} ${String(fields.error)}`
    if (key === last && performance.now() - at < intervalMs) return
    last = key
    at = performance.now()
    log(level, message, fields)
  }
}
