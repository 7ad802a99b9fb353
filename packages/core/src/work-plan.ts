export interface WorkLimits {
  /** The most files of one work item. */
  readonly files: number
  /** Bytes after which a work item takes no further file. A larger file is a work item of its own. */
  readonly bytes: number
}

/**
 * Small enough that a slot comes free many times a second, so that another tenant's file need not wait; large enough
 * that the cost of a ticket (some ten statements and queue calls) is spread over many files.
 */
export const DEFAULT_WORK_LIMITS: WorkLimits = { files: 100, bytes: 16 * 1024 * 1024 }

export interface PlannedWork<F> {
  readonly files: readonly F[]
  readonly bytes: number
}

/** Groups files into work items, in their order, while they come. */
export class WorkPlanner<W> {
  readonly #limits: WorkLimits
  readonly #begin: () => W
  #open: { readonly work: W; files: number; bytes: number } | undefined

  /** `begin` makes a work item, whatever that is to the caller. */
  constructor(limits: WorkLimits, begin: () => W) {
    this.#limits = limits
    this.#begin = begin
  }

  /** The work item of the next file, which has `size` bytes. */
  workFor(size: number): W {
    const { files, bytes } = this.#limits
    if (size >= bytes) return this.#begin()
    const open = this.#open
    if (open !== undefined && open.files < files && open.bytes + size <= bytes) {
      open.files++
      open.bytes += size
      return open.work
    }
    this.#open = { work: this.#begin(), files: 1, bytes: size }
    return this.#open.work
  }
}

/** Groups the files of a request into work items, in the order of the first file of each. */
export function planWork<F extends { readonly size: number }>(
  files: readonly F[],
  limits: WorkLimits = DEFAULT_WORK_LIMITS,
): PlannedWork<F>[] {
  const planned: { readonly files: F[]; bytes: number }[] = []
  const planner = new WorkPlanner(limits, () => {
    const work = { files: [], bytes: 0 }
    planned.push(work)
    return work as (typeof planned)[number]
  })
  for (const file of files) {
    const work = planner.workFor(file.size)
    work.files.push(file)
    work.bytes += file.size
  }
  return planned
}
