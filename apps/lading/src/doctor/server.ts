import type { Connection } from '../connection.ts'
import { compared } from './compare-clocks.ts'
import { aheadOf } from './date-header.ts'
import { type Finding, fail, ok, skip, warn } from './finding.ts'

const TIMEOUT_MS = 5_000
/** The API's that this command speaks. */
const MAJOR = '1'
const WARN_MS = 60_000
const FAIL_MS = 15 * 60_000

/** The server that the commands of users talk to: requests as theirs, but no retries, and every answer counts. */
export async function examineServer(connection: Connection): Promise<Finding[]> {
  const askedAt = Date.now()
  const health = await ask(connection, '/healthz')
  if (health instanceof Error) {
    if (!connection.named)
      return [skip('server.reachable', `none runs at ${connection.url}; LADING_URL is not set`)]
    const mend = 'Is it running (`lading up`), and is LADING_URL right?'
    return [fail('server.reachable', `${connection.url}: ${reasonOf(health)}`, mend)]
  }
  const aheadMs = aheadOf(health, (askedAt + Date.now()) / 2)
  return [
    ok('server.reachable', connection.url),
    await version(connection),
    await readiness(connection),
    await access(connection),
    ...(aheadMs === undefined
      ? []
      : [compared('server.clock', aheadMs, "the server's clock", WARN_MS, FAIL_MS)]),
  ]
}

async function version(connection: Connection): Promise<Finding> {
  const check = 'server.version'
  const body = await json<{ info?: { title?: string; version?: string } }>(connection, '/openapi.json')
  const found = body?.info?.version
  if (found === undefined)
    return fail(check, 'it does not answer as a Lading', 'Is another program at LADING_URL?')
  if (found.split('.')[0] === MAJOR) return ok(check, `API ${found}`)
  return fail(check, `API ${found}; this command speaks ${MAJOR}`, 'Install the version of the server.')
}

async function readiness(connection: Connection): Promise<Finding> {
  const body = await json<{ status?: string; checks?: Record<string, string> }>(connection, '/readyz')
  const wrong = Object.entries(body?.checks ?? {}).filter(([, state]) => state !== 'ok')
  if (body?.status === 'ok' && wrong.length === 0)
    return ok('server.ready', 'takes uploads and delivers them')
  const found = wrong.map(([name, sentence]) => `${name}: ${sentence}`).join('; ')
  const mend = 'Run `lading doctor` on the machine of the server, with its settings.'
  if (body?.status === 'degraded')
    return warn('server.ready', `takes uploads, delivers later: ${found}`, mend)
  return fail('server.ready', `takes no uploads: ${found || 'it does not say why'}`, mend)
}

async function access(connection: Connection): Promise<Finding> {
  const answer = await ask(connection, '/api/v1/experiments?limit=1')
  if (answer instanceof Error) return fail('server.access', reasonOf(answer), 'Try again.')
  const who = connection.tenant ?? "the server's default tenant"
  if (answer.ok) return ok('server.access', `as ${who}`)
  const { code, detail } = await refusalOf(answer)
  if (code === undefined)
    return fail(
      'server.access',
      `the answer was ${answer.status}, and not in the words of Lading`,
      'Is this its address, and does the proxy in front of it reach it?',
    )
  // It reaches no list of experiments; the server knew it.
  if (code === 'run_token_refused') return ok('server.access', 'by a token of one run')
  const mend =
    code === 'unauthenticated' || code === 'token_tenant_invalid'
      ? 'Set LADING_API_KEY to a key of `lading keys create`, or to a token that is valid.'
      : 'Set LADING_TENANT, or leave it out where the key says who you are.'
  return fail('server.access', `${code}: ${detail}`, mend)
}

/** Without a code, of the page of a proxy. */
async function refusalOf(answer: Response): Promise<{ code?: string; detail?: string }> {
  const body: unknown = await answer.json().catch(() => undefined)
  const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown }
  return typeof code === 'string' ? { code, detail: String(detail) } : {}
}

async function json<T>(connection: Connection, path: string): Promise<T | undefined> {
  const response = await ask(connection, path)
  if (response instanceof Error) return undefined
  return await (response.json() as Promise<T>).catch(() => undefined)
}

async function ask({ url, tenant, apiKey }: Connection, path: string): Promise<Response | Error> {
  const headers = {
    ...(tenant === undefined ? {} : { 'x-tenant-id': tenant }),
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  }
  // As the commands, which follow nobody who sends them elsewhere.
  return await fetch(`${url}${path}`, {
    headers,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: Error) => error)
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
