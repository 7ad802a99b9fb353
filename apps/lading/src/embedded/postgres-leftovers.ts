import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const POLL_MS = 20

/**
 * Ends what a killed parent left running on the data directory: the server, and sessions that outlive a killed server for a
 * moment. Only to be called while holding the directory, so that no live parent's server can be meant. Then drops a
 * `postmaster.pid` whose process id now belongs to some other program, which PostgreSQL cannot tell from a server.
 */
export async function clearLeftovers(directory: string, limitMs: number): Promise<void> {
  for (const { pid, isServer } of await processesOn(directory)) if (isServer) send(pid, 'SIGINT')
  const gone = await waitUntilGone(directory, limitMs)
  if (!gone) {
    for (const { pid } of await processesOn(directory)) send(pid, 'SIGKILL')
    await waitUntilGone(directory, limitMs)
  }
  const file = join(directory, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  if (pid > 0 && send(pid, 0)) await rm(file, { force: true })
}

interface Leftover {
  readonly pid: number
  /** The server itself, not one of its sessions. */
  readonly isServer: boolean
}

async function waitUntilGone(directory: string, limitMs: number): Promise<boolean> {
  for (const end = Date.now() + limitMs; Date.now() < end; await delay(POLL_MS)) {
    if ((await processesOn(directory)).length === 0) return true
  }
  return false
}

async function processesOn(directory: string): Promise<Leftover[]> {
  if (process.platform !== 'linux') return serversListed(directory)
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => inspect(pid, directory)))
  return found.filter((process) => process !== undefined)
}

/** The server is known by its arguments, a session by its title and by the directory it works in. proc(5). */
async function inspect(pid: number, directory: string): Promise<Leftover | undefined> {
  const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  if (basename(program) === 'postgres' && args[0] === '-D' && args[1] === directory)
    return { pid, isServer: true }
  if (!program.startsWith('postgres:')) return undefined
  const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  return workingDirectory === directory ? { pid, isServer: false } : undefined
}

async function serversListed(directory: string): Promise<Leftover[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,command='])
  return stdout
    .split('\n')
    .filter((line) => line.includes(`/postgres -D ${directory} `))
    .map((line) => ({ pid: Number.parseInt(line, 10), isServer: true }))
}

/** Whether there is such a process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
