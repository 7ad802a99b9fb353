import { type ExperimentBody, LadingError } from '@lading/client'
import type { Session } from './session.ts'

/** By its name, or its id. Fails with `experiment_not_found`. */
export async function experimentNamed(
  { client, signal }: Pick<Session, 'client' | 'signal'>,
  nameOrId: string,
): Promise<ExperimentBody> {
  const named = await client.experimentByName(nameOrId, { signal })
  if (named !== undefined) return named
  for await (const experiment of client.experiments({ signal }))
    if (experiment.experiment_id === nameOrId) return experiment
  throw new LadingError('experiment_not_found', `there is no experiment ${nameOrId}`, { status: 404 })
}
