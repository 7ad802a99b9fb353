import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

export interface TestRedis extends ServerProcess {
  readonly url: string
  readonly port: number
}

/** A Redis, or Valkey, of its own on a free loopback port. It keeps nothing over a stop or a kill. */
export async function startRedis(): Promise<TestRedis> {
  const program = findProgram('redis-server', 'valkey-server')
  if (program === undefined)
    throw new Error('There is no redis-server and no valkey-server; run `npm test` once')
  const folder = await mkdtemp(join(tmpdir(), 'lading-redis-'))
  const port = await freePort()
  const address = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder]
  const keepsNothing = ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction']
  const server = serverProcess({ program, args: [...address, ...keepsNothing], answers: () => pings(port) })
  await server.start()
  return {
    ...server,
    get pid() {
      return server.pid
    },
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function pings(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    socket.write('PING\r\n')
    const [reply] = await once(socket, 'data')
    return String(reply).startsWith('+PONG')
  } finally {
    socket.destroy()
  }
}
