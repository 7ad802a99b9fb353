import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort } from '../support/free-port.ts'
import { type ServerProcess, serverProcess } from '../support/server-process.ts'

/** Runs a program of this folder to its end, in a process of its own, with `input` as JSON; gives what it prints. */
export async function runProgram<I, O>(name: string, input: I): Promise<O> {
  return JSON.parse(await run(process.execPath, [programFile(name)], JSON.stringify(input))) as O
}

/** Runs any program to its end, with `env` besides the environment, and gives its standard output. */
export async function run(
  program: string,
  args: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  child.stdin.end(input)
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`${program} ${args.slice(0, 2).join(' ')} ended with ${code}`)
  return output
}

export interface ServerProgram extends ServerProcess {
  readonly url: string
}

/** Starts a server of this folder in a process of its own; it is given its port and `args`. */
export async function startServerProgram(name: string, ...args: string[]): Promise<ServerProgram> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = serverProcess({
    program: process.execPath,
    args: [programFile(name), String(port), ...args],
    answers: async () => (await fetch(url)).status > 0,
  })
  await server.start()
  return Object.assign(server, { url })
}

function programFile(name: string): string {
  return join(import.meta.dirname, 'programs', `${name}.ts`)
}
