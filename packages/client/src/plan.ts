import type { CallOptions } from './options.ts'
import type { RunContext } from './run-context.ts'

/** What the server compares: SHA-256 in hexadecimal; `size` in bytes; the path is below the directory of the job. */
export interface PlannedFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

/** Of these files, the paths that neither the open job nor the run, as its newest, holds. At most 10,000. */
export async function plan(
  { transport, address }: RunContext,
  jobId: string,
  files: readonly PlannedFile[],
  options: CallOptions = {},
): Promise<string[]> {
  const where = `${address}/uploads/${encodeURIComponent(jobId)}/plan`
  const answer = await transport.post<{ needed: string[] }>(
    where,
    'needed',
    { files },
    { repeatable: true, ...options },
  )
  return answer.needed
}

/** The same, where there may be none to ask for. */
export async function needed(
  context: RunContext,
  jobId: string,
  files: readonly PlannedFile[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  return new Set(files.length === 0 ? [] : await plan(context, jobId, files, { signal }))
}
