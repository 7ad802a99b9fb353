/** The first instants of the years 1 and 10000: what both a `Date` and a timestamp of PostgreSQL can hold and print. */
const FIRST_MS = Date.UTC(2000, 0, 1) - 730_119 * 86_400_000
const END_MS = Date.UTC(10_000, 0, 1)

/** Whether a time in milliseconds since 1970 lies within the years 1 to 9999. */
export function isTimeInRange(ms: number): boolean {
  return ms >= FIRST_MS && ms < END_MS
}
