import { Argument, type Command } from 'commander'
import type { Shell } from '../completion/script.ts'
import { withExamples } from './examples.ts'

export function addCompletionCommand(program: Command): void {
  const command = program
    .command('completion')
    .description('print what makes a shell complete the words of this command')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      const { completionOf } = await import('../completion/script.ts')
      process.stdout.write(completionOf(program, shell))
    })
  withExamples(command, {
    'source <(lading completion bash)': 'in ~/.bashrc',
    'source <(lading completion zsh)': 'in ~/.zshrc, after compinit',
    'lading completion fish | source': 'in ~/.config/fish/config.fish',
  })
}
