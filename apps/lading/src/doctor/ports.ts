import { createServer } from 'node:net'
import type { Config } from '../config.ts'
import { type Finding, fail, ok, skip } from './finding.ts'

const TIMEOUT_MS = 2_000

/** The ports that `lading api` and `lading worker` would listen on. */
export async function examinePorts({ host, api, opsPort }: Config): Promise<Finding[]> {
  return [
    await examinePort('ports.api', host, api.port, 'LADING_PORT'),
    await examinePort('ports.ops', host, opsPort, 'LADING_OPS_PORT'),
  ]
}

async function examinePort(check: string, host: string, port: number, setting: string): Promise<Finding> {
  const where = `${host}:${port}`
  if (port === 0) return skip(check, `${setting} is 0: a free one is taken`)
  const refusal = await listenOn(host, port)
  if (refusal === undefined) return ok(check, `${where} is free`)
  if (refusal === 'EADDRINUSE') {
    if (await isLading(host, port)) return ok(check, `${where} is taken, by a Lading that runs`)
    return fail(
      check,
      `${where} is taken by another program`,
      `Stop it (\`ss -ltnp\` names it), or set ${setting}.`,
    )
  }
  return fail(check, `${where} cannot be listened on: ${refusal}`, `Set ${setting}, or LADING_HOST.`)
}

/** Why not: the code of the error. */
async function listenOn(host: string, port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => server.close(() => resolve(undefined)))
  })
}

async function isLading(host: string, port: number): Promise<boolean> {
  const name =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(`http://${name}:${port}/healthz`, { signal })
    return ((await response.json()) as { status?: unknown }).status === 'ok'
  } catch {
    return false
  }
}
