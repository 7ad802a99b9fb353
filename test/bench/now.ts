/** Milliseconds, with a fraction, on a clock that the processes of a machine share. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
