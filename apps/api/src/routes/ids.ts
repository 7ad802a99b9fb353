import type { ApiCatalog, Experiment, Job, Run } from '@lading/catalog'
import { isId, type TenantId } from '@lading/core'
import { type ErrorCode, LadingError } from '@lading/protocol'

/** The run, if it is the tenant's. Fails with `run_not_found`. */
export async function runOf(catalog: ApiCatalog, tenant: TenantId, runId: string): Promise<Run> {
  const run = isId(runId) ? await catalog.runs.get(tenant, runId) : undefined
  return found(run, 'run_not_found', 'run', runId)
}

/** The experiment, if it is the tenant's. Fails with `experiment_not_found`. */
export async function experimentOf(
  catalog: ApiCatalog,
  tenant: TenantId,
  experimentId: string,
): Promise<Experiment> {
  const experiment = isId(experimentId) ? await catalog.experiments.get(tenant, experimentId) : undefined
  return found(experiment, 'experiment_not_found', 'experiment', experimentId)
}

/** The job, if it is the tenant's. Fails with `job_not_found`. */
export async function jobOf(catalog: ApiCatalog, tenant: TenantId, jobId: string): Promise<Job> {
  const job = isId(jobId) ? await catalog.jobs.get(tenant, jobId) : undefined
  return found(job, 'job_not_found', 'job', jobId)
}

export function found<T>(thing: T | undefined, code: ErrorCode, what: string, id: string): T {
  if (thing !== undefined) return thing
  throw new LadingError(code, `${what}_id: there is no ${what} ${JSON.stringify(id.slice(0, 80))}`)
}
