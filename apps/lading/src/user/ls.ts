import type { Artifact, Run } from '@lading/client'
import { inBytes } from '../terminal/figures.ts'
import { atPath } from './at-path.ts'
import { directoryOf, pathGiven } from './given-path.ts'
import type { Session } from './session.ts'

export interface LsOptions {
  readonly run: string
  readonly recursive: boolean
}

/** A line for each, as they come: size, time, path. Fails with `artifact_not_found` where there is nothing. */
export async function ls(
  { client, output, signal }: Session,
  given: string | undefined,
  { run: runId, recursive }: LsOptions,
): Promise<void> {
  const run = client.run(runId)
  const path = pathGiven(given)
  let found = path === ''
  for await (const artifact of run.artifacts({ path, recursive, signal })) {
    found = true
    await output.result(artifact, lineOf(artifact))
  }
  if (found) return
  const file = await fileAt(run, path, signal)
  if (file !== undefined) await output.result(file, lineOf(file))
}

/** As a list tells of it. Undefined: it is a directory, and empty. */
async function fileAt(run: Run, path: string, signal: AbortSignal): Promise<Artifact | undefined> {
  if (!('size' in (await atPath(run, path, signal)))) return undefined
  for await (const artifact of run.artifacts({ path: directoryOf(path), signal }))
    if (artifact.path === path) return artifact
  return undefined
}

function lineOf(artifact: Artifact): string {
  if (artifact.is_dir) return `${'-'.padStart(10)}  ${' '.repeat(24)}  ${artifact.path}/`
  const { path, size, stored_at: storedAt, state } = artifact
  const replacing = state === 'replacing' ? '  (being replaced)' : ''
  return `${inBytes(size).padStart(10)}  ${storedAt.padEnd(24)}  ${path}${replacing}`
}
