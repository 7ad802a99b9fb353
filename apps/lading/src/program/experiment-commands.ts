import type { Command } from 'commander'
import type { SessionOptions } from '../user/session.ts'
import { withExamples } from './examples.ts'
import { asUser, userCommand } from './user-command.ts'

export function addExperimentCommands(program: Command): void {
  const experiments = program.command('experiments').description('list and create experiments')
  withExamples(experiments, {
    'lading experiments': 'list them',
    'lading experiments create fraud-detection': 'make one, and print its id',
    'lading experiments create fraud --location s3://team-bucket/fraud/': 'whose artifacts lie elsewhere',
  })
  userCommand(experiments.command('list', { isDefault: true }))
    .description('list experiments: id, time, name, place')
    .option('--deleted', 'those that are deleted', false)
    .action(async (options: { deleted: boolean } & SessionOptions) => {
      const { listExperiments } = await import('../user/experiments.ts')
      await asUser(options, (session) => listExperiments(session, options))
    })
  userCommand(experiments.command('show'))
    .description('show an experiment')
    .argument('<name>', 'its name or id')
    .action(async (name: string, options: SessionOptions) => {
      const { showExperiment } = await import('../user/experiments.ts')
      await asUser(options, (session) => showExperiment(session, name))
    })
  userCommand(experiments.command('create'))
    .description('make an experiment, and print its id')
    .argument('<name>')
    .option('--location <uri>', 'where its artifacts lie, within what the server allows')
    .action(async (name: string, options: { location?: string } & SessionOptions) => {
      const { createExperiment } = await import('../user/experiments.ts')
      await asUser(options, (session) => createExperiment(session, name, options))
    })
}
