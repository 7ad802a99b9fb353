import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { findProgram, toolFolder } from './find-program.ts'

export const PYTHON_PACKAGE = resolve(import.meta.dirname, '../../packages/python')

/** PyTorch is gigabytes, and so for who asks. */
const REQUIREMENTS = [
  'requirements.txt',
  ...(process.env.LADING_TEST_TORCH ? ['requirements-torch.txt'] : []),
].map((name) => join(PYTHON_PACKAGE, 'tests', name))

/** The pinned packages are for these; the package itself runs on 3.9. */
const VERSIONS = /^Python 3\.1[1-9]\./

/** The interpreter of the virtual environment that the Python tests run in; undefined until it is installed. */
export function testPython(): string | undefined {
  const python = join(environmentFolder(), 'bin', 'python')
  return existsSync(python) ? python : undefined
}

/** About a minute (many, with PyTorch), once for each list of packages. Made aside and moved, so that two at a time do no harm. */
export function installTestPython(): string | undefined {
  const python = findPython()
  if (python === undefined)
    return 'Tests need Python 3.11 or later: `sudo apt-get install python3 python3-venv`'
  console.log(`Installing what the Python tests run with, once, into ${environmentFolder()}`)
  mkdirSync(dirname(environmentFolder()), { recursive: true })
  const aside = mkdtempSync(`${environmentFolder()}-`)
  try {
    const steps = [
      [python, '-m', 'venv', '--copies', aside],
      [
        join(aside, 'bin', 'python'),
        '-m',
        'pip',
        'install',
        '-q',
        '--disable-pip-version-check',
        ...REQUIREMENTS.flatMap((list) => ['-r', list]),
      ],
    ]
    if (!steps.every(([program = '', ...args]) => succeeds(program, args))) {
      return 'Tests need the packages of packages/python/tests/requirements*.txt, and a Python with `venv` and pip'
    }
    if (testPython() === undefined) renameSync(aside, environmentFolder())
    return undefined
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

/** Named by the packages in it, so that another list is another folder. */
function environmentFolder(): string {
  const hash = createHash('sha256')
  for (const list of REQUIREMENTS) hash.update(readFileSync(list))
  return join(dirname(toolFolder()), `python-${hash.digest('hex').slice(0, 12)}`)
}

function findPython(): string | undefined {
  const names = ['python3', 'python3.13', 'python3.12', 'python3.11']
  return names
    .map((name) => findProgram(name))
    .find((path) => path !== undefined && VERSIONS.test(versionOf(path)))
}

function versionOf(python: string): string {
  return spawnSync(python, ['--version'], { encoding: 'utf8' }).stdout ?? ''
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0
}
