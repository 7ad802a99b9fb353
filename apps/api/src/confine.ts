import { isId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from './context.ts'
import type { Identity } from './identity/identity.ts'
import type { RunNamedBy } from './operation.ts'
import { found, jobOf } from './routes/ids.ts'

/** What a call names, in its path or its query. */
export type Named = Readonly<Record<string, unknown>>

/**
 * Refuses a call that is not of the run to which its identity is limited: of another run, whether or not there is one, or
 * to an operation that does not say by what its calls name their run, with `run_token_refused`. Jobs and uploads of another
 * run are as if they were not there: `job_not_found`, `upload_not_found`.
 */
export async function confine(
  { runId, tenant }: Identity,
  namedBy: RunNamedBy | undefined,
  named: Named,
  { catalog }: Pick<ApiContext, 'catalog'>,
): Promise<void> {
  if (runId === undefined) return
  if (namedBy === undefined) throw outside(runId)
  const id = named[namedBy]
  if (typeof id !== 'string') throw outside(runId, `; give it as ${namedBy}`)
  switch (namedBy) {
    case 'run_id':
      if (id !== runId) throw outside(runId)
      return
    case 'job_id': {
      const job = await jobOf(catalog, tenant, id)
      found(job.runId === runId || undefined, 'job_not_found', 'job', id)
      return
    }
    case 'upload_id': {
      const upload = isId(id) ? await catalog.resumable.get(tenant, id) : undefined
      found(upload?.runId === runId || undefined, 'upload_not_found', 'upload', id)
      return
    }
    default:
      namedBy satisfies never
  }
}

function outside(runId: string, how = ''): LadingError {
  return new LadingError('run_token_refused', `authorization: the token is of run ${runId} alone${how}`)
}
