import { FILE_MOVES, type FileState, LIVE_FILE_STATES, statesBefore } from '@lading/core'

/** Follows the name of a file's state: it is still to be delivered. */
export const IS_LIVE = oneOf(LIVE_FILE_STATES)

/** Follows the name of a file's state: from there it may move to `to`. */
export function mayBecome(to: FileState): string {
  return oneOf(statesBefore(FILE_MOVES, to))
}

function oneOf(states: readonly string[]): string {
  return `IN (${states.map((state) => `'${state}'`).join(', ')})`
}
