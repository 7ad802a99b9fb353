import { spawnSync } from 'node:child_process'
import { findProgram } from './find-program.ts'

/** The programs of others that archives are exchanged with, under the names they have, and what brings them. */
const ARCHIVERS = {
  tar: { names: ['gtar', 'gnutar', 'tar'], debian: 'tar', brew: 'gnu-tar', says: 'GNU tar' },
  bsdtar: { names: ['bsdtar'], debian: 'libarchive-tools', brew: 'libarchive', says: 'libarchive' },
  zip: { names: ['zip'], debian: 'zip', brew: 'zip', says: 'Info-ZIP' },
  unzip: { names: ['unzip'], debian: 'unzip', brew: 'unzip', says: 'Info-ZIP' },
  python3: { names: ['python3'], debian: 'python3', brew: 'python', says: 'Python 3' },
} as const

export type Archiver = keyof typeof ARCHIVERS

/** The path of a program, or an error with the command that installs it. */
export function archiver(archiver: Archiver): string {
  const path = find(archiver)
  if (path === undefined) throw new Error(sentence(archiver))
  return path
}

/** The Debian packages of those that are missing. */
export function missingArchivers(): { readonly debian: string; readonly sentence: string }[] {
  return (Object.keys(ARCHIVERS) as Archiver[])
    .filter((name) => find(name) === undefined)
    .map((name) => ({ debian: ARCHIVERS[name].debian, sentence: sentence(name) }))
}

/** The `tar` of a Mac is libarchive's, so each has to say who it is. */
function find(archiver: Archiver): string | undefined {
  const { names, says } = ARCHIVERS[archiver]
  return names.map((name) => findProgram(name)).find((path) => path !== undefined && introduces(path, says))
}

function introduces(path: string, says: string): boolean {
  const flag = /zip$/.test(path) ? '-v' : '--version'
  return spawnSync(path, [flag], { encoding: 'utf8' }).stdout.includes(says)
}

function sentence(archiver: Archiver): string {
  const { debian, brew, says } = ARCHIVERS[archiver]
  const name = archiver === 'tar' ? says : archiver
  return `Tests need ${name} on PATH: \`sudo apt-get install ${debian}\`, or \`brew install ${brew}\``
}
