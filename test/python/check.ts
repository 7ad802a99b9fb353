import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { installTestPython, PYTHON_PACKAGE, testPython } from '../support/python.ts'

/** ruff's rules and form, and pyright's strict types, over the Python package and the examples. Run by `npm run lint:python`. */
const missing = testPython() === undefined ? installTestPython() : undefined
if (missing !== undefined) throw new Error(missing)
const python = testPython() ?? ''
const pyright = resolve(import.meta.dirname, '../../node_modules/pyright/index.js')
const EXAMPLES = resolve(import.meta.dirname, '../../examples')
const config = join(PYTHON_PACKAGE, 'pyproject.toml')
const checks = [
  [python, '-m', 'ruff', 'check', '--no-cache', '--config', config, '.', EXAMPLES],
  [python, '-m', 'ruff', 'format', '--no-cache', '--check', '--quiet', '--config', config, '.', EXAMPLES],
  [process.execPath, pyright, '--pythonpath', python],
]
const failed = checks.filter(
  ([program = '', ...args]) =>
    spawnSync(program, args, { cwd: PYTHON_PACKAGE, stdio: 'inherit' }).status !== 0,
)
process.exitCode = failed.length === 0 ? 0 : 1
