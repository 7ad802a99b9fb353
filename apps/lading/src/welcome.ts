import type { Run } from '@lading/catalog'
import { parseTenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Context } from './context.ts'

const TENANT = parseTenantId('acme-corp')
const EXPERIMENT = 'quickstart'

/** Says where the system listens, and what to paste to see it work: on a terminal for a person, in a line for a log. */
export async function greet(context: Context, url: string): Promise<void> {
  const run = await quickstartRun(context)
  const header = asksForKeys(context) ? '-H "Authorization: Bearer $KEY"' : `-H 'X-Tenant-ID: ${TENANT}'`
  console.log(`
Lading is listening on ${url}   (docs: ${url}/docs)
${whereDataIs(context)}${whoIsBelieved(context)}

Try it, in another shell:

  echo 'a model' > model.pkl
  RUN=${run.runId}${keyLine(context)}
  curl -F file=@model.pkl -F artifact_path=models/ ${header} \\
       ${url}/api/v1/experiments/runs/$RUN/log-artifact
  curl ${header} "${url}/api/v1/experiments/runs/$RUN/artifacts?recursive=true"
`)
}

/** Nothing where all of it is elsewhere, in what the settings name. */
function whereDataIs({ config }: Context): string {
  const embedded = config.databaseUrl === undefined || config.store.kind === 'directory'
  return embedded ? `Data is kept in ${config.dataDirectory}. ` : ''
}

function asksForKeys({ config }: Context): boolean {
  return config.api.auth !== 'none'
}

function whoIsBelieved(context: Context): string {
  const { jwt } = context.config.api
  if (jwt !== undefined) return `Requests show a token of ${jwt.issuer}, or a key: lading keys create.`
  return asksForKeys(context)
    ? 'Requests show a key: lading keys create.'
    : 'WARNING: nobody is authenticated: keep it on loopback, or behind something that knows its clients.'
}

function keyLine(context: Context): string {
  return asksForKeys(context) ? `\n  KEY=...   # lading keys create --tenant ${TENANT} --name quickstart` : ''
}

async function quickstartRun({ catalog }: Context): Promise<Run> {
  const { experiments, runs } = catalog.api
  const experiment =
    (await experiments.getByName(TENANT, EXPERIMENT)) ??
    (await experiments.create(TENANT, { name: EXPERIMENT, location: undefined }))
  const { items } = await runs.listByExperiment(TENANT, experiment.experimentId, {
    limit: 1,
    cursor: undefined,
  })
  const [first] = items
  if (first) return first
  if (experiment.deletedAt) await experiments.restore(TENANT, experiment.experimentId)
  const run = await runs.create(TENANT, { experimentId: experiment.experimentId, name: EXPERIMENT })
  if (!run) throw new LadingError('internal', 'the quickstart run could not be made')
  return run
}
