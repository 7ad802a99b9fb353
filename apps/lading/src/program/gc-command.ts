import type { Command } from 'commander'
import type { GcArguments } from '../commands/gc.ts'
import { withExamples } from './examples.ts'

export function addGcCommand(program: Command): void {
  const command = program
    .command('gc')
    .description('list objects, multipart uploads and packs that nothing needs; remove them with --delete')
    .option('--delete', 'remove what is found; else it is only listed', false)
    .option('--older-than <time>', 'only objects and uploads that are older', '24h')
    .option('--tenant <tenant>', 'only runs of this tenant, and no packs')
    .option('--run <run_id>', 'only this run, and no packs')
    .option('--json', 'print JSON: an object a line for each finding, and one for the sum', false)
    .action(async (options: GcArguments) => (await import('../commands/gc.ts')).runGc(options))
  withExamples(command, {
    'lading gc': 'what could go, and how much it takes',
    'lading gc --delete': 'remove it',
  })
}
