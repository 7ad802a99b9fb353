import { type Command, Option } from 'commander'
import type { JobListOptions } from '../user/jobs.ts'
import type { SessionOptions } from '../user/session.ts'
import { withExamples } from './examples.ts'
import { asUser, limitOption, userCommand } from './user-command.ts'

const STATES = ['open', 'queued', 'running', 'completed', 'failed', 'cancelled']

export function addJobCommands(program: Command): void {
  const jobs = program.command('jobs').description('list, watch, cancel and retry jobs')
  withExamples(jobs, {
    'lading jobs': 'the newest',
    'lading jobs --state failed --run $RUN': 'what failed of a run',
    'lading jobs watch $JOB && echo delivered': 'wait for one, with its progress',
    'lading jobs show --files $JOB': 'each file and its state',
  })
  userCommand(jobs.command('list', { isDefault: true }))
    .description('list jobs, newest first: id, state, time, files')
    .option('--run <run_id>', 'of this run only')
    .addOption(new Option('--state <state>', 'in this state only').choices(STATES))
    .addOption(limitOption(20))
    .action(async (options: JobListOptions & SessionOptions) => {
      const { listJobs } = await import('../user/jobs.ts')
      await asUser(options, (session) => listJobs(session, options))
    })
  userCommand(jobs.command('show'))
    .description('show a job, or its files')
    .argument('<job_id>')
    .option('--files', 'each file and its state', false)
    .action(async (jobId: string, options: { files: boolean } & SessionOptions) => {
      const { showJob } = await import('../user/jobs.ts')
      await asUser(options, (session) => showJob(session, jobId, options))
    })
  addChange(jobs, 'watch', 'wait until jobs have ended, and show how far they are')
  addChange(jobs, 'cancel', 'cancel jobs; what was delivered stays')
  addChange(jobs, 'retry', 'queue the failed files of failed jobs again')
}

function addChange(jobs: Command, name: 'watch' | 'cancel' | 'retry', about: string): void {
  userCommand(jobs.command(name))
    .description(about)
    .argument('<job_id...>')
    .action(async (jobIds: string[], options: SessionOptions) => {
      const { cancelJobs, retryJobs, watchJobs } = await import('../user/jobs.ts')
      const work = { watch: watchJobs, cancel: cancelJobs, retry: retryJobs }[name]
      await asUser(options, (session) => work(session, jobIds), { patient: name === 'watch' })
    })
}
