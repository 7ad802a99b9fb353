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
export const DEFAULT_WORK_LIMITS: WorkLimits = { files: 50, bytes: 16 * 1024 * 1024 }

export interface PlannedWork<F> {
  readonly files: readonly F[]
  readonly bytes: number
}

/** Groups the files of a request into work items, in their order. */
export function planWork<F extends { readonly size: number }>(
  files: readonly F[],
  limits: WorkLimits = DEFAULT_WORK_LIMITS,
): PlannedWork<F>[] {
  const planned: PlannedWork<F>[] = []
  let group: F[] = []
  let bytes = 0
  const close = () => {
    if (group.length > 0) planned.push({ files: group, bytes })
    group = []
    bytes = 0
  }
  for (const file of files) {
    if (file.size >= limits.bytes) {
      planned.push({ files: [file], bytes: file.size })
      continue
    }
    if (group.length >= limits.files || bytes + file.size > limits.bytes) close()
    group.push(file)
    bytes += file.size
  }
  close()
  return planned
}
