/**
 * The states of files, jobs and work items, and the moves between them. The drawing in `docs/states.md` shows the same
 * moves; a test holds the two together. The catalog's statements guard each move by its `from` states.
 */
export const FILE_MOVES = {
  spooled: ['uploading', 'superseded', 'cancelled', 'failed'],
  uploading: ['stored', 'superseded', 'cancelled', 'failed'],
  failed: ['spooled', 'superseded'],
  stored: [],
  superseded: [],
  cancelled: [],
} as const satisfies Moves

export const JOB_MOVES = {
  open: ['queued', 'running'],
  queued: ['running', 'completed', 'failed', 'cancelled'],
  running: ['completed', 'failed', 'cancelled'],
  failed: ['queued'],
  completed: [],
  cancelled: [],
} as const satisfies Moves

export const WORK_MOVES = {
  ready: ['leased', 'done', 'dead'],
  leased: ['ready', 'done', 'dead'],
  dead: ['ready', 'done'],
  done: [],
} as const satisfies Moves

type Moves = Readonly<Record<string, readonly string[]>>

export type FileState = keyof typeof FILE_MOVES
export type JobState = keyof typeof JOB_MOVES
export type WorkState = keyof typeof WORK_MOVES

export const JOB_STATES = Object.keys(JOB_MOVES) as readonly JobState[]
export const FILE_STATES = Object.keys(FILE_MOVES) as readonly FileState[]

/** States of a file that is still to be delivered. */
export const LIVE_FILE_STATES = ['spooled', 'uploading'] as const satisfies readonly FileState[]

export function jobHasEnded(state: JobState): boolean {
  switch (state) {
    case 'open':
    case 'queued':
    case 'running':
      return false
    case 'completed':
    case 'failed':
    case 'cancelled':
      return true
    default:
      return state satisfies never
  }
}

/** The states a thing may be in when it moves to `to`: what a statement's `WHERE state IN (...)` says. */
export function statesBefore<M extends Moves>(moves: M, to: keyof M & string): string[] {
  return Object.keys(moves).filter((from) => (moves[from] ?? []).includes(to))
}
