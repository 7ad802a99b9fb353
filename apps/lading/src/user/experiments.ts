import type { ExperimentBody } from '@lading/client'
import { experimentNamed } from './experiment-named.ts'
import type { Session } from './session.ts'

export async function listExperiments(
  { client, output, signal }: Session,
  { deleted }: { readonly deleted: boolean },
): Promise<void> {
  for await (const experiment of client.experiments({ deleted, signal }))
    await output.result(experiment, experimentLine(experiment))
}

export async function showExperiment(session: Session, nameOrId: string): Promise<void> {
  const experiment = await experimentNamed(session, nameOrId)
  await session.output.result(experiment, experimentLine(experiment))
}

/** Prints the id alone, for a shell to keep. */
export async function createExperiment(
  { client, output, signal }: Session,
  name: string,
  { location }: { readonly location?: string },
): Promise<void> {
  const where = location === undefined ? {} : { artifactLocation: location }
  const experiment = await client.createExperiment(name, { ...where, signal })
  await output.result(experiment, experiment.experiment_id)
}

function experimentLine(experiment: ExperimentBody): string {
  const { experiment_id: id, name, artifact_location: location, created_at: created } = experiment
  return `${id}  ${created}  ${name}  ${location}`
}
