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
    { files },
    { repeatable: true, ...options },
  )
  return answer.needed
}

/** Of small files, those that are still to be sent. Empty directories always are. */
export async function withoutHeld<T extends { readonly path: string; readonly bytes: Uint8Array }>(
  context: RunContext,
  jobId: string,
  entries: readonly T[],
  signal: AbortSignal,
): Promise<T[]> {
  const isFile = ({ path }: T) => !path.endsWith('/')
  const asked = await Promise.all(
    entries.filter(isFile).map(async ({ path, bytes }) => ({
      path,
      size: bytes.length,
      sha256: await context.digests.whole(bytes),
    })),
  )
  const needed = new Set(asked.length === 0 ? [] : await plan(context, jobId, asked, { signal }))
  return entries.filter((entry) => !isFile(entry) || needed.has(entry.path))
}
