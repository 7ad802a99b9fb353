import './thread-pool.ts'
import { CommanderError } from 'commander'
import { asksForJson } from './asks-for-json.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { createProgram } from './program/program.ts'
import { allTaken } from './terminal/written.ts'

process.stdout.on('error', endQuietly)
// Nobody reads what is said beside the results; the work goes on.
process.stderr.on('error', () => undefined)
process.exit(await run())

/** Does what the arguments say, and waits until what it printed is taken. The exit code. */
async function run(): Promise<number> {
  try {
    await createProgram().parseAsync()
    await allTaken(process.stdout)
    return Number(process.exitCode ?? EXIT_CODES.done.code)
  } catch (error) {
    const code = error instanceof CommanderError ? await codeOfArguments(error) : await codeOfFailure(error)
    // Who has asked to stop does not wait for who reads.
    if (code !== EXIT_CODES.interrupted.code) await allTaken(process.stdout)
    return code
  } finally {
    await allTaken(process.stderr)
  }
}

/** Help that was asked for is no failure; commander has printed what there is to say to a person. */
async function codeOfArguments({ exitCode, message }: CommanderError): Promise<number> {
  if (exitCode === 0) return EXIT_CODES.done.code
  const sentence = message.replace(/^error: /, '')
  if (asksForJson()) (await import('./tell.ts')).tell({ exit: 'usage', code: 'usage', sentence })
  return EXIT_CODES.usage.code
}

async function codeOfFailure(error: unknown): Promise<number> {
  const [{ endingOf, exitCodeOf }, { tell }] = await Promise.all([
    import('./endings.ts'),
    import('./tell.ts'),
  ])
  const ending = endingOf(error)
  tell(ending)
  return exitCodeOf(ending.exit)
}

/** Whoever reads has read enough: `lading ls | head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT_CODES.done.code)
}
