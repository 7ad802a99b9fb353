import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { LadingError } from '@lading/protocol'
import type { PostgresBinaries } from './postgres-binaries.ts'
import type { Runner } from './postgres-runner.ts'

export const SUPERUSER = 'lading'

export interface Cluster {
  readonly directory: string
  readonly binaries: PostgresBinaries
  readonly runner: Runner
  /** Whether the files go to the disk before this is done. */
  readonly sync: boolean
}

/**
 * Makes the database cluster unless the directory holds one, and returns the password of its superuser. A cluster is made
 * beside its place and moved there whole, so one that was cut short is never taken for one.
 */
export async function ensureCluster(cluster: Cluster): Promise<string> {
  const found = await readdir(cluster.directory).catch(whenAbsent([] as string[]))
  if (!found.includes('PG_VERSION')) return createCluster(cluster, found)
  await cluster.runner.own(cluster.directory)
  const password = await readFile(passwordFile(cluster), 'utf8').catch(whenAbsent(undefined))
  return password?.trim() ?? resetPassword(cluster)
}

async function createCluster(cluster: Cluster, found: readonly string[]): Promise<string> {
  const { directory, runner, binaries, sync } = cluster
  if (found.length > 0) {
    throw new LadingError(
      'catalog_unavailable',
      `${directory} is not empty and holds no database; choose another folder for the embedded database`,
    )
  }
  const unfinished = `${directory}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { mode: 0o700 })
  await runner.own(unfinished)
  const password = await writePassword(cluster)
  const rules = ['--auth=scram-sha-256', `--username=${SUPERUSER}`, `--pwfile=${passwordFile(cluster)}`]
  // Locales of the machine differ and change with its libc, which damages indexes; the built-in one does not.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  await finish(cluster, binaries.initdb, [
    `--pgdata=${unfinished}`,
    ...rules,
    ...locale,
    ...(sync ? [] : ['--no-sync']),
  ])
  await rename(unfinished, directory)
  if (sync) await syncDirectory(dirname(directory))
  return password
}

/** The file was lost: a single-user server needs none, and whoever can start one owns the data anyway. */
async function resetPassword(cluster: Cluster): Promise<string> {
  const password = await writePassword(cluster)
  const sql = `ALTER ROLE ${SUPERUSER} PASSWORD '${password}';\n`
  await finish(cluster, cluster.binaries.postgres, ['--single', '-D', cluster.directory, 'postgres'], sql)
  return password
}

async function writePassword(cluster: Cluster): Promise<string> {
  const password = randomBytes(24).toString('base64url')
  await rm(passwordFile(cluster), { force: true })
  await writeFile(passwordFile(cluster), `${password}\n`, { mode: 0o600, flag: 'wx', flush: cluster.sync })
  await cluster.runner.own(passwordFile(cluster))
  return password
}

/** Of a cluster's directory: readable by its user alone. */
export function passwordFile({ directory }: Pick<Cluster, 'directory'>): string {
  return `${directory}.password`
}

async function finish(
  { runner }: Cluster,
  program: string,
  args: readonly string[],
  input = '',
): Promise<void> {
  const child = runner.spawn(program, args, { stdio: 'pipe' }) as ChildProcessWithoutNullStreams
  const ended = once(child, 'close')
  child.stdin.end(input)
  const [[code, signal], said, complained] = await Promise.all([
    ended,
    text(child.stdout),
    text(child.stderr),
  ])
  if (code === 0) return
  throw new LadingError(
    'catalog_unavailable',
    `The embedded database could not be made (${program} ended with ${signal ?? code}): ${complained.trim() || said.trim()}`,
  )
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path)
  await directory.sync()
}

function whenAbsent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value
    throw error
  }
}
