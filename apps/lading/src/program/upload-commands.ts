import { type Command, Option } from 'commander'
import type { SessionOptions } from '../user/session.ts'
import type { SyncOptions } from '../user/sync.ts'
import type { UploadOptions } from '../user/upload.ts'
import { withExamples } from './examples.ts'
import { asUser, gathered, runOption, userCommand } from './user-command.ts'

/** Of what is interrupted after it was sent, or before; `sendFiles()` says more of what is between. */
const SENDING = { patient: true, goOn: 'the same command goes on' }

export function addUploadCommands(program: Command): void {
  addUpload(program)
  addSync(program)
}

function addUpload(program: Command): void {
  const command = userCommand(program.command('upload'))
    .description('upload files and directories; the same command goes on with what was cut off')
    .argument(
      '<file...>',
      'as for `cp -r`: `dir` comes under its name, `dir/.` is what lies in it, `-` standard input',
    )
    .addOption(runOption())
    .option('--to <path>', 'the directory of the run', '')
    .option('--as <name>', 'the name in the run, of one file, directory or standard input')
    .option('--wait', 'until it is delivered', false)
    .option('--no-atomic', 'show each file when it is delivered, instead of all at one instant')
    .addOption(linksOption())
    .addOption(excludeOption())
    .action(async (paths: string[], options: UploadOptions & SessionOptions) => {
      const { upload } = await import('../user/upload.ts')
      await asUser(options, (session) => upload(session, paths, options), SENDING)
    })
  withExamples(command, {
    'lading upload model.pkl --run $RUN': 'one file, as model.pkl',
    'lading upload plots report.md --run $RUN --to evaluation':
      'as evaluation/plots/… and evaluation/report.md',
    'lading upload plots/. --run $RUN --to plots --wait':
      'what lies in plots, and wait until it is delivered',
    'pg_dump db | lading upload - --as db.sql --run $RUN': 'standard input',
    "lading upload . --run $RUN --exclude '*.tmp'": 'all but some; a .ladingignore is heeded, too',
  })
}

function addSync(program: Command): void {
  const command = userCommand(program.command('sync'))
    .description('make a directory of the run what a local one is; only what changed is sent')
    .argument('<folder>', 'the local directory')
    .addOption(runOption())
    .option('--to <path>', 'the directory of the run', '')
    .option('--delete', 'delete there what is not here', false)
    .option('--wait', 'until it is delivered', false)
    .addOption(linksOption())
    .addOption(excludeOption())
    .action(async (folder: string, options: SyncOptions & SessionOptions) => {
      const { sync } = await import('../user/sync.ts')
      await asUser(options, (session) => sync(session, folder, options), SENDING)
    })
  withExamples(command, {
    'lading sync checkpoints --run $RUN --to checkpoints': 'what is new, or another',
    'lading sync out --run $RUN --delete --wait': 'and nothing else',
    'python -m lading sync': "what is in the outbox of the Python package, which is not this command's",
  })
}

function linksOption(): Option {
  return new Option('--links <how>', 'what to do with symbolic links')
    .choices(['refuse', 'skip', 'follow'])
    .default('refuse')
}

function excludeOption(): Option {
  return new Option('--exclude <pattern>', 'leave out, as in .gitignore; may be repeated')
    .argParser(gathered)
    .default([], 'nothing')
}
