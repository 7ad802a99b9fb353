import { Command } from 'commander'
import { EXIT_CODES } from '../exit-codes.ts'
import { VERSION } from '../version.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addGcCommand } from './gc-command.ts'
import { addKeysCommands } from './keys-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { addVerifyCommand } from './verify-command.ts'

/** Every command, in the order of the help. It declares; what a command does is loaded when it is run. */
export function createProgram(): Command {
  const program = new Command('lading')
    .description(
      'Takes the files that training jobs produce, answers at once, delivers them to S3, and proves it.',
    )
    .version(VERSION)
    .addHelpText(
      'after',
      `\nSettings are environment variables; docs/settings.md lists them.\n${exitCodes()}`,
    )
    .exitOverride()
  addServerCommands(program)
  addVerifyCommand(program)
  addGcCommand(program)
  addKeysCommands(program)
  addDoctorCommand(program)
  addCompletionCommand(program)
  return program
}

function exitCodes(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, about }) => `  ${String(code).padEnd(4)} ${about}`)
  return `Exit codes:\n${rows.join('\n')}`
}
