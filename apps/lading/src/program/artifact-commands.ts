import type { Command } from 'commander'
import type { GetOptions } from '../user/get.ts'
import type { LsOptions } from '../user/ls.ts'
import type { RmOptions } from '../user/rm.ts'
import type { SessionOptions } from '../user/session.ts'
import { withExamples } from './examples.ts'
import { asUser, runOption, userCommand } from './user-command.ts'

export function addArtifactCommands(program: Command): void {
  addLs(program)
  addGet(program)
  addRm(program)
}

function addLs(program: Command): void {
  const command = userCommand(program.command('ls'))
    .description('list the artifacts of a run: size, time, path')
    .argument('[path]', 'a directory of the run; its root else')
    .addOption(runOption())
    .option('-r, --recursive', 'all files below it', false)
    .action(async (path: string | undefined, options: LsOptions & SessionOptions) => {
      const { ls } = await import('../user/ls.ts')
      await asUser(options, (session) => ls(session, path, options))
    })
  withExamples(command, {
    'lading ls --run $RUN': 'the root of the run',
    'lading ls evaluation -r --run $RUN': 'all below a directory',
    "lading ls -r --json --run $RUN | jq -r 'select(.size > 1e9) | .path'": 'what is large',
  })
}

function addGet(program: Command): void {
  const command = userCommand(program.command('get'))
    .description('download an artifact or a directory; what is there already is not fetched again')
    .argument('<path>', 'of the run; `.` is all of it')
    .argument('[destination]', 'a file or directory; `-` is standard output; the same name here else')
    .addOption(runOption())
    .action(async (path: string, destination: string | undefined, options: GetOptions & SessionOptions) => {
      const { get } = await import('../user/get.ts')
      await asUser(options, (session) => get(session, path, destination, options), {
        patient: true,
        goOn: 'what is whole stays, and the same command fetches the rest',
      })
    })
  withExamples(command, {
    'lading get models/model.pkl --run $RUN': 'as model.pkl',
    'lading get evaluation /tmp/eval --run $RUN': 'a directory',
    'lading get config.json - --run $RUN | jq .': 'to standard output',
    'lading get . all --run $RUN': 'all of the run',
  })
}

function addRm(program: Command): void {
  const command = userCommand(program.command('rm'))
    .description('delete artifacts')
    .argument('<path...>', 'of the run')
    .addOption(runOption())
    .option('-r, --recursive', 'directories, too', false)
    .option('--wait', 'until the objects of directories are deleted', false)
    .action(async (paths: string[], options: RmOptions & SessionOptions) => {
      const { rm } = await import('../user/rm.ts')
      await asUser(options, (session) => rm(session, paths, options))
    })
  withExamples(command, {
    'lading rm models/old.pkl --run $RUN': 'one file',
    'lading rm -r checkpoints/step-1000 --run $RUN': 'a directory',
  })
}
