import './thread-pool.ts'
import { CommanderError } from 'commander'
import { codeOf, endingOf } from './endings.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { createProgram } from './program/program.ts'

try {
  await createProgram().parseAsync()
  process.exit()
} catch (error) {
  process.exit(error instanceof CommanderError ? codeOfArguments(error) : failed(error))
}

/** Help that was asked for is no failure; commander has printed what there is to say. */
function codeOfArguments({ exitCode }: CommanderError): number {
  return exitCode === 0 ? EXIT_CODES.done.code : EXIT_CODES.usage.code
}

function failed(error: unknown): number {
  const ending = endingOf(error)
  console.error(`lading: ${ending.sentence}`)
  return codeOf(ending)
}
