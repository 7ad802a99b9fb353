import type { Command } from 'commander'
import { withExamples } from './examples.ts'

/** Those who run a server. Their code is loaded when they are run: it takes seconds, which `lading ls` must not wait. */
export function addServerCommands(program: Command): void {
  withExamples(
    program
      .command('up')
      .description('run everything in one process; with no settings, everything is embedded')
      .action(async () => (await import('../commands/up.ts')).runUp(await config())),
    {
      'lading up': 'on http://localhost:8080, data in .lading',
      'LADING_PORT=9000 lading up': 'on another port',
    },
  )
  program
    .command('api')
    .description('run the ingest API')
    .action(async () => (await import('../commands/api.ts')).runApi(await config()))
  program
    .command('worker')
    .description('run a worker, which delivers')
    .action(async () => (await import('../commands/worker.ts')).runWorker(await config()))
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .option('--down', 'take the schema back instead, with all that is in it', false)
    .action(async (options: { down: boolean }) =>
      (await import('../commands/migrate.ts')).migrate(await config(), options),
    )
}

async function config() {
  const { readConfig } = await import('../config.ts')
  return readConfig(process.env)
}
