/** Every instant that a test can stop a process at. Each is passed in one place; `checkpoint.test.ts` holds the two together. */
export const CHECKPOINTS = [
  'spool.before-sync',
  'spool.after-sync',
  'accept.before-commit',
  'accept.after-commit',
  'dispatch.after-lease',
  'worker.after-claim',
  'worker.after-part',
  'worker.before-complete',
  'worker.after-complete',
  'worker.before-commit',
  'worker.after-commit',
  'gc.after-lease',
  'gc.before-delete',
] as const

export type Checkpoint = (typeof CHECKPOINTS)[number]

let pass: ((name: Checkpoint) => void) | undefined

/** Says that the process has come to this instant. Nothing happens, unless this process was started to be stopped there. */
export function checkpoint(name: Checkpoint): void {
  pass?.(name)
}

/** What happens at checkpoints from now on. It is synchronous, so that nothing of the process goes on beside it. */
export function atCheckpoints(what: (name: Checkpoint) => void): void {
  pass = what
}
