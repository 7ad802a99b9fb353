import type { TokenScope } from '@lading/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SessionOptions } from '../user/session.ts'
import type { TokenArguments } from '../user/token.ts'
import { withExamples } from './examples.ts'
import { asUser, runOption, userCommand } from './user-command.ts'

export function addTokenCommand(program: Command): void {
  const command = userCommand(program.command('token'))
    .description('make a token that reaches one run and nothing else, for a training job; and print it')
    .addOption(runOption())
    .option('--ttl <time>', 'how long it is valid, such as 30m, 2h or 7d, which is the most', '1h')
    .addOption(
      new Option(
        '--scopes <scopes>',
        'of read, write and delete, with commas between; read and write else, as far as you have them',
      ).argParser(scopesOf),
    )
    .action(async (options: TokenArguments & SessionOptions) => {
      const { makeToken } = await import('../user/token.ts')
      await asUser(options, (session) => makeToken(session, options))
    })
  withExamples(command, {
    'lading token --run $RUN --ttl 2h': 'for a training of this run',
    'LADING_API_KEY=$(lading token --run $RUN --scopes read) lading ls --run $RUN': 'to look, and no more',
  })
}

const SCOPES: readonly TokenScope[] = ['read', 'write', 'delete']

function scopesOf(text: string): TokenScope[] {
  return text.split(',').map((word) => {
    const scope = SCOPES.find((known) => known === word.trim())
    if (scope === undefined) throw new InvalidArgumentError(`"${word}" is none of ${SCOPES.join(', ')}`)
    return scope
  })
}
