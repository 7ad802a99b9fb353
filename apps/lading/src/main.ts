import './thread-pool.ts'
import { CommanderError } from 'commander'
import { EXIT_CODES } from './exit-codes.ts'
import { withoutSecrets } from './log/without-secrets.ts'
import { createProgram } from './program/program.ts'

process.stdout.on('error', endQuietly)
try {
  await createProgram().parseAsync()
  process.exit()
} catch (error) {
  process.exit(error instanceof CommanderError ? codeOfArguments(error) : await tell(error))
}

/** Help that was asked for is no failure; commander has printed what there is to say. */
function codeOfArguments({ exitCode }: CommanderError): number {
  return exitCode === 0 ? EXIT_CODES.done.code : EXIT_CODES.usage.code
}

async function tell(error: unknown): Promise<number> {
  const { endingOf, exitCodeOf } = await import('./endings.ts')
  const { exit, code, ...ending } = endingOf(error)
  const sentence = withoutSecrets(ending.sentence)
  const exitCode = exitCodeOf(exit)
  const forScript = process.argv.includes('--json')
  console.error(
    forScript
      ? JSON.stringify({ error: { code, detail: sentence, exit_code: exitCode } })
      : `lading: ${sentence}`,
  )
  return exitCode
}

/** Whoever reads has read enough: `lading ls | head`. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT_CODES.done.code)
}
