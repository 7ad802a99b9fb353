import type { Command } from 'commander'

/** Help that shows what people type. Each example is a command and what it does. */
export function withExamples(command: Command, examples: Readonly<Record<string, string>>): Command {
  const width = Math.max(...Object.keys(examples).map((example) => example.length))
  const lines = Object.entries(examples).map(([example, about]) => `  ${example.padEnd(width)}  ${about}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
