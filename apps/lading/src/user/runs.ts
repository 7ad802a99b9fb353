import type { RunBody, RunStatus } from '@lading/client'
import { experimentNamed } from './experiment-named.ts'
import type { Session } from './session.ts'

/** Newest first. */
export async function listRuns(
  session: Session,
  { experiment: nameOrId, limit }: { readonly experiment: string; readonly limit: number },
): Promise<void> {
  const { client, output, signal } = session
  const experiment = await experimentNamed(session, nameOrId)
  let listed = 0
  for await (const run of client.runs(experiment.experiment_id, { signal })) {
    await output.result(run, runLine(run))
    listed += 1
    if (listed === limit) return
  }
}

export async function showRun({ client, output, signal }: Session, runId: string): Promise<void> {
  const run = await client.run(runId).get({ signal })
  await output.result(run, runLine(run))
}

/** Prints the id alone, for a shell to keep; with JSON all of it. */
export async function startRun(
  { client, output, signal }: Session,
  { experiment, name }: { readonly experiment: string; readonly name?: string },
): Promise<void> {
  const run = await client.startRun({ experiment, ...(name !== undefined && { name }), signal })
  await output.result(await run.get({ signal }), run.id)
}

export async function finishRun(
  { client, output, signal }: Session,
  runId: string,
  { status }: { readonly status: RunStatus },
): Promise<void> {
  const run = await client.run(runId).finish(status, { signal })
  await output.result(run, runLine(run))
}

function runLine({ run_id: id, status, started_at: started, name, artifact_uri: uri }: RunBody): string {
  return `${id}  ${status.padEnd(8)}  ${started}  ${name}  ${uri}`
}
