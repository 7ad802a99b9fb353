import { Command } from 'commander'
import { asksForJson } from '../asks-for-json.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { VERSION } from '../version.ts'
import { addArtifactCommands } from './artifact-commands.ts'
import { addCompletionCommand } from './completion-command.ts'
import { addDoctorCommand } from './doctor-command.ts'
import { addExperimentCommands } from './experiment-commands.ts'
import { addGcCommand } from './gc-command.ts'
import { addJobCommands } from './job-commands.ts'
import { addKeysCommands } from './keys-commands.ts'
import { addQuotasCommands } from './quotas-commands.ts'
import { addRunCommands } from './run-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { addTokenCommand } from './token-command.ts'
import { addUploadCommands } from './upload-commands.ts'
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
    // A script is told in JSON, by `main.ts`.
    .configureOutput({ writeErr: (text) => void (asksForJson() || process.stderr.write(text)) })
  program.commandsGroup('For who uses a server:')
  addUploadCommands(program)
  addArtifactCommands(program)
  addJobCommands(program)
  addRunCommands(program)
  addExperimentCommands(program)
  addTokenCommand(program)
  program.commandsGroup('For who runs a server:')
  addServerCommands(program)
  addVerifyCommand(program)
  addGcCommand(program)
  addKeysCommands(program)
  addQuotasCommands(program)
  program.commandsGroup('For both:')
  addDoctorCommand(program)
  addCompletionCommand(program)
  return program
}

function exitCodes(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, about }) => `  ${String(code).padEnd(4)} ${about}`)
  return `Exit codes:\n${rows.join('\n')}`
}
