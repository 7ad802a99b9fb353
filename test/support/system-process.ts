import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from './find-program.ts'

/** A `lading` command that runs as a process of its own. */
export interface LadingProcess {
  /** As it is called in logs of the test. */
  readonly name: string
  readonly pid: number
  /** Where it listens, as it said itself. */
  readonly url: string
  readonly runs: boolean
  /** What it wrote, oldest first; the latest thousands of lines. */
  readonly lines: readonly string[]
  /** How it ended, if it did without being asked to: a sentence. */
  readonly crash: string | undefined
  /** Sends the signal and waits for the end. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** SIGSTOP: it holds all that it has, and does nothing. */
  pause(): void
  resume(): void
  /** The value of a metric, 0 where it has none yet. */
  metric(name: string): Promise<number>
}

export interface LadingCommand {
  readonly name: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

const MAIN = resolve(import.meta.dirname, '../../apps/lading/src/main.ts')
const KEPT_LINES = 5_000

/** Starts it, and waits until it says where it listens. */
export async function startLading(command: LadingCommand): Promise<LadingProcess> {
  const { promise: listening, resolve: heard } = Promise.withResolvers<string>()
  const { child, lines } = launch(command, (line) => {
    const url = urlIn(line)
    if (url !== undefined) heard(url)
  })
  let asked = false
  const ended = once(child, 'exit')
  const runs = () => child.exitCode === null && child.signalCode === null
  const how = () => `${command.name} ended by itself with ${child.signalCode ?? `code ${child.exitCode}`}`
  const url = await Promise.race([
    listening,
    ended.then(() => Promise.reject(new Error(`${how()}:\n${lines.join('\n')}`))),
  ])
  return {
    name: command.name,
    pid: child.pid ?? 0,
    url,
    lines,
    get runs() {
      return runs()
    },
    get crash() {
      return asked || runs() ? undefined : how()
    },
    async kill(signal) {
      if (!runs()) return
      asked = true
      child.kill(signal)
      // A frozen process takes no signal but SIGKILL until it goes on.
      child.kill('SIGCONT')
      await ended
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    metric: (name) => metricOf(url, name),
  }
}

export interface EndedLading {
  /** Null: a signal ended it. */
  readonly code: number | null
  /** What it wrote. */
  readonly text: string
}

/** Runs a command that ends by itself, or is ended. */
export async function endLading(command: LadingCommand): Promise<EndedLading> {
  const { child, lines } = launch(command, () => {})
  await once(child, 'close')
  return { code: child.exitCode, text: lines.join('\n') }
}

/** Runs a command that ends by itself; what it wrote. Rejects unless it ended with code 0. */
export async function runLading(command: LadingCommand): Promise<string> {
  const { code, text } = await endLading(command)
  if (code === 0) return text
  throw new Error(`lading ${command.args.join(' ')} ended with ${code ?? 'a signal'}:\n${text}`)
}

function launch(
  { args, env, cwd }: LadingCommand,
  onLine: (line: string) => void,
): { child: ChildProcess; lines: string[] } {
  // setpriv(1) has the kernel end the process with its parent, so that a killed test run leaves nothing behind.
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined
  const prefix = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--']
  const [program = '', ...rest] = [...prefix, process.execPath, MAIN, ...args]
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(program, rest, {
    // Compiling is half of what a start costs: https://nodejs.org/api/module.html#module-compile-cache
    env: { PATH, HOME, NODE_COMPILE_CACHE: join(tmpdir(), 'lading-compile-cache'), ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.removeListener('exit', kill))
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (lines.push(line) > KEPT_LINES) lines.shift()
      onLine(line)
    })
  }
  return { child, lines }
}

/** From a line of the log, or from what is written for a person. */
function urlIn(line: string): string | undefined {
  const greeting = /^Lading is listening on (\S+)/.exec(line)
  if (greeting !== null) return greeting[1]
  if (!line.startsWith('{')) return undefined
  const { url } = JSON.parse(line) as { url?: unknown }
  return typeof url === 'string' ? url : undefined
}

/** The sum over all labels, by the exposition format of Prometheus. */
async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
