import type { RunStatus } from '@lading/client'
import { type Command, Option } from 'commander'
import type { SessionOptions } from '../user/session.ts'
import { withExamples } from './examples.ts'
import { asUser, limitOption, userCommand } from './user-command.ts'

export function addRunCommands(program: Command): void {
  const runs = program.command('runs').description('list, start and finish runs')
  withExamples(runs, {
    'RUN=$(lading runs start --experiment fraud-detection)': 'begin one',
    'lading runs --experiment fraud-detection': 'list those of an experiment',
    'lading runs finish $RUN --status FAILED': 'end one',
  })
  userCommand(runs.command('list', { isDefault: true }))
    .description('list the runs of an experiment, newest first: id, status, time, name, place')
    .requiredOption('--experiment <name>', 'by its name or id')
    .addOption(limitOption(20))
    .action(async (options: { experiment: string; limit: number } & SessionOptions) => {
      const { listRuns } = await import('../user/runs.ts')
      await asUser(options, (session) => listRuns(session, options))
    })
  userCommand(runs.command('show'))
    .description('show a run')
    .argument('<run_id>')
    .action(async (runId: string, options: SessionOptions) => {
      const { showRun } = await import('../user/runs.ts')
      await asUser(options, (session) => showRun(session, runId))
    })
  userCommand(runs.command('start'))
    .description('start a run, and print its id')
    .requiredOption('--experiment <name>', 'by its name; it is made where there is none')
    .option('--name <name>', 'of the run')
    .action(async (options: { experiment: string; name?: string } & SessionOptions) => {
      const { startRun } = await import('../user/runs.ts')
      await asUser(options, (session) => startRun(session, options))
    })
  userCommand(runs.command('finish'))
    .description('end a run')
    .argument('<run_id>')
    .addOption(
      new Option('--status <status>', 'how it ended')
        .choices(['FINISHED', 'FAILED', 'KILLED'])
        .default('FINISHED'),
    )
    .action(async (runId: string, options: { status: RunStatus } & SessionOptions) => {
      const { finishRun } = await import('../user/runs.ts')
      await asUser(options, (session) => finishRun(session, runId, options))
    })
}
