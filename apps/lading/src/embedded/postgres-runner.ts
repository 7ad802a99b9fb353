import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, lstat, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LadingError } from '@lading/protocol'
import type { PostgresBinaries } from './postgres-binaries.ts'

/** Starts programs as a user that PostgreSQL accepts: it refuses to run as root. */
export interface Runner {
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess
  /** Gives the file or directory, and all below it, to the user that the programs run as. */
  own(path: string): Promise<void>
}

/** Nothing of the caller's environment: a stray PGOPTIONS or LC_ALL would change the server. */
const ENVIRONMENT = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

/**
 * For root, first choice is a user namespace, in which root is seen as `nobody`: files stay root's, so any folder will do. Where
 * the kernel or a container forbids those, the server runs as the user `postgres` or `nobody`, if that one can reach both the
 * binaries and the data. Fails with `catalog_unavailable` when neither will do.
 */
export async function chooseRunner(directory: string, binaries: PostgresBinaries): Promise<Runner> {
  if (process.getuid?.() !== 0) return direct()
  return firstThatReaches([namespace(), ...(await accounts()).map(account)], directory, binaries)
}

export async function firstThatReaches(
  candidates: readonly Runner[],
  directory: string,
  binaries: PostgresBinaries,
): Promise<Runner> {
  for (const runner of candidates) {
    if (await reaches(runner, binaries.postgres, dirname(directory))) return runner
  }
  throw new LadingError(
    'catalog_unavailable',
    `PostgreSQL does not run as root, user namespaces are not available, and no other user can reach both ${directory} and ` +
      `${binaries.postgres}; set DATABASE_URL to a PostgreSQL of your own, run Lading as another user, or move both to folders that ` +
      'every user may enter',
  )
}

function direct(): Runner {
  return {
    spawn: (program, args, options) => spawn(program, args, { ...options, env: ENVIRONMENT }),
    own: async () => undefined,
  }
}

/** unshare(1) executes the program in its own place, so the process id is the program's. */
function namespace(): Runner {
  const prefix = ['--user', '--map-user=65534', '--map-group=65534', '--']
  return {
    spawn: (program, args, options) =>
      spawn('unshare', [...prefix, program, ...args], { ...options, env: ENVIRONMENT }),
    own: (path) => give(path, 0, 0),
  }
}

interface Account {
  readonly uid: number
  readonly gid: number
}

export function account({ uid, gid }: Account): Runner {
  return {
    spawn: (program, args, options) => spawn(program, args, { ...options, env: ENVIRONMENT, uid, gid }),
    own: (path) => give(path, uid, gid),
  }
}

/** The users that a server may run as, from passwd(5). */
async function accounts(): Promise<Account[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  return ['postgres', 'nobody'].flatMap((wanted) =>
    lines
      .filter(([name]) => name === wanted)
      .map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) })),
  )
}

/** Asked of the kernel rather than worked out from mode bits, which do not know ACLs, mounts or security modules. */
async function reaches(runner: Runner, program: string, folder: string): Promise<boolean> {
  const child = runner.spawn('/bin/sh', ['-c', 'test -x "$1" && test -x "$2"', 'sh', program, folder], {
    stdio: 'ignore',
  })
  try {
    const [code] = await once(child, 'exit')
    return code === 0
  } catch {
    // The program is not there (no unshare outside Linux) or may not be started.
    return false
  }
}

async function give(path: string, uid: number, gid: number): Promise<void> {
  const entry = await lstat(path)
  if (entry.isDirectory()) for (const name of await readdir(path)) await give(join(path, name), uid, gid)
  // The top comes last, so that a change of owner that was cut short is taken up again.
  if (entry.uid !== uid) await chown(path, uid, gid)
}
