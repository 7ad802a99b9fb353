import { Argument, type Command } from 'commander'
import type { DoctorOptions } from '../commands/doctor.ts'
import { PARTS, type Part } from '../doctor/parts.ts'
import { withExamples } from './examples.ts'

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('look at every dependency and setting, and say how to mend what is wrong')
    .addArgument(
      new Argument(
        '[part...]',
        'only these; else all, or `node server` where only LADING_URL is set',
      ).choices(PARTS),
    )
    .option('--url <url>', 'the server; LADING_URL else')
    .option('--tenant <tenant>', 'the tenant; LADING_TENANT else')
    .option('--json', 'print one JSON object', false)
    .action(async (parts: Part[], options: DoctorOptions) => {
      const { doctor } = await import('../commands/doctor.ts')
      process.exitCode = await doctor(parts, options, process.env)
    })
  withExamples(command, {
    'lading doctor': 'all of it, on the machine of a server',
    'lading doctor postgres redis': 'two parts',
    'LADING_URL=https://lading.example lading doctor': 'whether a server can be used from here',
    'lading doctor --json | jq .ok': 'for a script; the exit code says the same',
  })
}
