import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PYTHON_PACKAGE, testPython } from '../support/python.ts'

/** What became of one test of pytest. */
interface PythonTest {
  readonly id: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** What pytest says of a failure. */
  readonly text: string
}

/** The ids of all tests, as pytest collects them. */
export async function collectTests(): Promise<string[]> {
  const { stdout } = await pytest(['--collect-only'], {})
  return stdout.split('\n').filter((line) => line.includes('::'))
}

/** Runs all tests against two APIs of one system; by id, what became of each. Never rejects for one that failed. */
export async function runTests(url: string, otherUrl: string): Promise<ReadonlyMap<string, PythonTest>> {
  const folder = await mkdtemp(join(tmpdir(), 'lading-pytest-'))
  const report = join(folder, 'report')
  try {
    const { stdout } = await pytest([`--basetemp=${join(folder, 'tests')}`], {
      LADING_TEST_URL: url,
      LADING_TEST_OTHER_URL: otherUrl,
      LADING_TEST_REPORT: report,
    })
    const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    if (lines.length === 0) throw new Error(`pytest ran no test:\n${stdout}`)
    return new Map(lines.map((line) => JSON.parse(line) as PythonTest).map((test) => [test.id, test]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function pytest(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ stdout: string }> {
  const python = testPython()
  if (python === undefined)
    throw new Error('`node test/support/install.ts` installs what Python tests run with')
  const options = {
    cwd: PYTHON_PACKAGE,
    env: { ...process.env, PYTHONPATH: join(PYTHON_PACKAGE, 'src'), PYTHONDONTWRITEBYTECODE: '1', ...env },
    maxBuffer: 64 * 1024 * 1024,
  }
  // pytest ends with 1 where a test failed, which is told by the tests themselves.
  return await promisify(execFile)(
    python,
    ['-m', 'pytest', '-p', 'no:cacheprovider', ...args],
    options,
  ).catch((error: { code?: unknown; stdout: string; stderr: string }) => {
    if (error.code === 1) return error
    throw new Error(`pytest could not run:\n${error.stdout}\n${error.stderr}`)
  })
}
