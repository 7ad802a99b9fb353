import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

const MAIN = join(import.meta.dirname, '../../../apps/lading/src/main.ts')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A person at a shell, in a folder of their own, whose variables name a server and a run. */
export interface User extends AsyncDisposable {
  readonly folder: string
  readonly run: string
  /** Runs `lading` with these arguments to its end. */
  lading(...args: string[]): Promise<Ended>
  /** As `lading`, and its result is JSON, an object a line. */
  json<T>(...args: string[]): Promise<T[]>
  start(args: readonly string[], more?: Readonly<Record<string, string>>): Running
  /** A line of bash, in which `lading` is the command. */
  bash(line: string): Promise<Ended>
  /** Writes files into the folder. */
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
}

/** With a new run of a new experiment. */
export async function newUser(url: string): Promise<User> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-user-'))
  const variables = { LADING_URL: url, LADING_TENANT: 'acme-corp', XDG_STATE_HOME: join(folder, '.state') }
  const begin = ['runs', 'start', '--experiment', folder, '--json']
  const { out, err } = await launch(process.execPath, [MAIN, ...begin], folder, variables).ended
  if (out === '') throw new Error(err)
  const run = (JSON.parse(out) as { run_id: string }).run_id
  const own = { ...variables, LADING_RUN: run }
  const start: User['start'] = (args, more) =>
    launch(process.execPath, [MAIN, ...args], folder, { ...own, ...more })
  const lading: User['lading'] = (...args) => start(args).ended
  return {
    folder,
    run,
    start,
    lading,
    async json<T>(...args: string[]) {
      const { code, out, err } = await lading(...args, '--json')
      if (code !== 0) throw new Error(`lading ${args.join(' ')}: exit ${code}: ${err}`)
      return linesOf(out).map((line) => JSON.parse(line) as T)
    },
    bash: (line) =>
      launch(
        'bash',
        ['-o', 'pipefail', '-c', `lading() { "${process.execPath}" "${MAIN}" "$@"; }; ${line}`],
        folder,
        own,
      ).ended,
    async write(files) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), content)
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function launch(
  program: string,
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>>,
): Running {
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, TERM: 'xterm', ...variables }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  const ended = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(([code, out, err]) => ({
    code,
    out,
    err,
  }))
  return { child, ended }
}
