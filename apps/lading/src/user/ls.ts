import type { Artifact } from '@lading/client'
import { inBytes } from '../terminal/figures.ts'
import type { Session } from './session.ts'

export interface LsOptions {
  readonly run: string
  readonly recursive: boolean
}

/** A line for each, as they come: size, time, path. */
export async function ls(
  { client, output, signal }: Session,
  path: string | undefined,
  { run, recursive }: LsOptions,
): Promise<void> {
  for await (const artifact of client.run(run).artifacts({ path: path ?? '', recursive, signal }))
    output.result(artifact, lineOf(artifact))
}

function lineOf(artifact: Artifact): string {
  if (artifact.is_dir) return `${'-'.padStart(10)}  ${' '.repeat(24)}  ${artifact.path}/`
  const { path, size, stored_at: storedAt, state } = artifact
  const replacing = state === 'replacing' ? '  (being replaced)' : ''
  return `${inBytes(size).padStart(10)}  ${storedAt.padEnd(24)}  ${path}${replacing}`
}
