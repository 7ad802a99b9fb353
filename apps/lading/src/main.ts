import './thread-pool.ts'
import { LadingError } from '@lading/protocol'
import { Command } from 'commander'
import { runApi } from './commands/api.ts'
import { keysCommand } from './commands/keys.ts'
import { migrate } from './commands/migrate.ts'
import { runUp } from './commands/up.ts'
import { verifyCommand } from './commands/verify.ts'
import { runWorker } from './commands/worker.ts'
import { readConfig } from './config.ts'
import { SettingsError } from './settings/read.ts'

const program = new Command('lading')
  .description(
    'Takes the files that training jobs produce, answers at once, delivers them to S3, and proves it.',
  )
  .addHelpText(
    'after',
    '\nSettings are environment variables; docs/settings.md lists them.\nExit codes: 0 stopped as asked, 1 failed, 2 not valid settings or arguments,\n3 found objects that have rotted, 4 could not look at everything.',
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))

program
  .command('up')
  .description('run everything in one process; with no settings, everything is embedded')
  .action(() => runUp(readConfig(process.env)))
program
  .command('api')
  .description('run the ingest API')
  .action(() => runApi(readConfig(process.env)))
program
  .command('worker')
  .description('run a worker, which delivers')
  .action(() => runWorker(readConfig(process.env)))
program
  .command('migrate')
  .description('bring the database schema up to date')
  .option('--down', 'take the schema back instead, with all that is in it', false)
  .action((options: { down: boolean }) => migrate(readConfig(process.env), options))

program.addCommand(verifyCommand(() => readConfig(process.env)).copyInheritedSettings(program))
program.addCommand(keysCommand(() => readConfig(process.env)))

try {
  await program.parseAsync()
  process.exit()
} catch (error) {
  console.error(`lading: ${sentenceOf(error)}`)
  process.exit(error instanceof SettingsError ? 2 : 1)
}

function sentenceOf(error: unknown): string {
  if (error instanceof LadingError) return error.detail
  return error instanceof Error ? error.message : String(error)
}
