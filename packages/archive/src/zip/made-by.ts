/** Unix and OS X, in the upper byte of "version made by" (4.4.2). */
const UNIX_SYSTEMS = [3, 19]

/** Whether the zip was made where names are bytes and external attributes hold a Unix mode. */
export function isMadeOnUnix(madeBy: number): boolean {
  return UNIX_SYSTEMS.includes(madeBy >> 8)
}
