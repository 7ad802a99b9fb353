import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { until } from './deadline.ts'
import { findProgram } from './find-program.ts'

export interface ServerCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Throws or gives false while the server does not answer. */
  readonly answers: () => Promise<boolean>
}

/** A server that a test starts, stops, kills, freezes and starts again; it keeps its address and its data directory. */
export interface ServerProcess {
  /** Of the server as last started. */
  readonly pid: number
  /** Starts it, unless it runs, and waits until it answers. */
  start(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void
  resume(): void
}

const START_LIMIT_MS = 30_000

export function serverProcess(command: ServerCommand): ServerProcess {
  let child: ChildProcess | undefined
  const start = async () => {
    if (child !== undefined && runs(child)) return
    child = await launch(command)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || !runs(child)) return
    const ended = once(child, 'exit')
    child.kill(signal)
    // A frozen process takes no signal but SIGKILL until it goes on.
    child.kill('SIGCONT')
    await ended
  }
  return {
    get pid() {
      if (child?.pid === undefined) throw new Error(`${command.program} was not started`)
      return child.pid
    },
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  }
}

async function launch(command: ServerCommand): Promise<ChildProcess> {
  // setpriv(1) has the kernel end the server with its parent, so that a killed test run leaves nothing behind.
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined
  const prefix = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']
  const [program = '', ...args] = [...prefix, command.program, ...command.args]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...command.env },
  })
  let said = ''
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4096)
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  process.once('exit', () => child.kill('SIGKILL'))
  await once(child, 'spawn')
  await until(async () => !runs(child) || (await command.answers()), { within: START_LIMIT_MS })
  if (!runs(child))
    throw new Error(`${command.program} ended with ${child.signalCode ?? child.exitCode}: ${said}`)
  return child
}

function runs(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
