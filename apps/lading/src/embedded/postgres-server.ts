import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LadingError } from '@lading/protocol'
import type { Runner } from './postgres-runner.ts'

/** A server replays its log after a crash before it takes connections: at most `max_wal_size`, well below this time. */
const START_LIMIT_MS = 300_000
export const STOP_LIMIT_MS = 10_000
const LOG_LIMIT_BYTES = 16 * 1024 * 1024
const POLL_MS = 20

export interface PostgresServer {
  readonly pid: number
  /** Resolves when the process has ended, whoever ended it, with how. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

export interface ServerCommand {
  readonly program: string
  readonly directory: string
  readonly settings: Readonly<Record<string, string>>
  readonly runner: Runner
  readonly signal: AbortSignal | undefined
}

/** Starts the server and waits until it takes connections. Its log goes on in `<directory>.log`. */
export async function startServer(command: ServerCommand): Promise<PostgresServer> {
  const logFile = `${command.directory}.log`
  const logStart = await rotate(logFile)
  await using log = await open(logFile, 'a', 0o600)
  const settings = Object.entries(command.settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = command.runner.spawn(command.program, ['-D', command.directory, ...settings], {
    stdio: ['ignore', log.fd, log.fd],
    // Its own session: Ctrl+C in a terminal reaches Lading only, which stops the server after its own work has ended.
    detached: true,
  })
  const exited = endOf(child)
  try {
    await ready(child, exited, command)
  } catch (error) {
    await stop(child, exited)
    command.signal?.throwIfAborted()
    const tail = await lastLines(logFile, logStart)
    throw new LadingError(
      'catalog_unavailable',
      `The embedded database did not start: ${tail} (${logFile})`,
      {
        cause: error,
      },
    )
  }
  return { pid: child.pid as number, exited, stop: () => stop(child, exited) }
}

/** The 8th line of postmaster.pid is the server's state, as pg_ctl(1) reads it. */
async function ready(child: ChildProcess, exited: Promise<string>, command: ServerCommand): Promise<void> {
  let ended: string | undefined
  exited.then((how) => {
    ended = how
  })
  for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; ) {
    await delay(POLL_MS, undefined, command.signal === undefined ? {} : { signal: command.signal })
    if (ended !== undefined) throw new Error(`postgres ended with ${ended}`)
    const lines = (await readFile(join(command.directory, 'postmaster.pid'), 'utf8').catch(() => '')).split(
      '\n',
    )
    if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return
  }
  throw new Error(`postgres was not ready within ${START_LIMIT_MS / 1000} s`)
}

/** SIGINT is PostgreSQL's fast shutdown: sessions are ended, open transactions rolled back, a checkpoint written. */
async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  child.kill('SIGINT')
  const limit = new AbortController()
  const late = delay(STOP_LIMIT_MS, true, { signal: limit.signal }).catch(() => false)
  if ((await Promise.race([exited, late])) === true) child.kill('SIGKILL')
  limit.abort()
  await exited
}

/** Never rejects: a program that could not be started has ended, too. */
async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit')
    return signal ?? `code ${code}`
  } catch (error) {
    return (error as Error).message
  }
}

async function lastLines(logFile: string, from: number): Promise<string> {
  const log = (await readFile(logFile)).subarray(from).toString('utf8')
  return log.trim().split('\n').slice(-5).join(' | ')
}

/** Keeps the log, and one before it, below a bound. Returns where the log goes on (bytes). */
async function rotate(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (entry) => entry.size,
    () => 0,
  )
  if (size < LOG_LIMIT_BYTES) return size
  await rename(logFile, `${logFile}.1`)
  return 0
}
