import type { Command } from 'commander'
import type { VerifyArguments } from '../commands/verify.ts'
import { withExamples } from './examples.ts'

export function addVerifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .description('read delivered objects back, compare them with the catalog, and mark what has rotted')
    .option('--rate <bytes>', 'the most bytes a second; 0 is no bound', '64MiB')
    .option('--objects <count>', 'the most objects a second', '500')
    .option('--older-than <time>', 'only what was not read or stored within this time, such as 24h', '0s')
    .option('--tenant <tenant>', 'only what is of this tenant')
    .option('--run <run_id>', 'only what is of this run')
    .option('--json', 'print JSON: an object a line for each finding, and one for the sum', false)
    .action(async (options: VerifyArguments) => (await import('../commands/verify.ts')).runVerify(options))
  withExamples(command, {
    'lading verify': 'everything, at 64 MiB a second',
    'lading verify --older-than 7d --rate 0': 'what was not read for a week, as quickly as it can be',
  })
}
