import type { Command } from 'commander'
import type { CreateOptions, ListOptions, RevokeOptions } from '../commands/keys.ts'
import { withExamples } from './examples.ts'

/** Keys are made where the database is, by who runs the server. */
export function addKeysCommands(program: Command): void {
  const keys = program.command('keys').description('make, list and revoke the keys that clients show')
  withExamples(
    keys
      .command('create')
      .description('make a key, and print it: it cannot be shown again')
      .requiredOption('--tenant <tenant>', 'the tenant that it speaks for')
      .requiredOption('--name <name>', 'what it is for')
      .option('--scopes <scopes>', 'of read, write, delete and admin, with commas between', 'read,write')
      .option('--days <days>', 'how many days it is valid; for ever else')
      .option('--json', 'print JSON', false)
      .action(async (options: CreateOptions) => (await load()).createKey(options)),
    {
      'lading keys create --tenant acme-corp --name trainer': 'for a training',
      'lading keys create --tenant acme-corp --name reader --scopes read --days 90': 'to read, for a while',
    },
  )
  keys
    .command('list')
    .description('list keys, by their first characters')
    .option('--tenant <tenant>', 'of this tenant only')
    .option('--json', 'print JSON', false)
    .action(async (options: ListOptions) => (await load()).listKeys(options))
  keys
    .command('revoke')
    .description('make a key useless, within 10 seconds at every API')
    .argument('<key_id>')
    .option('--json', 'print JSON', false)
    .action(async (keyId: string, options: RevokeOptions) => (await load()).revokeKey(keyId, options))
  keys
    .command('end-tokens')
    .description('make every token of a run useless, of all tenants, within 10 seconds at every API')
    .action(async () => (await import('../commands/end-tokens.ts')).endTokens(process.env))
}

function load() {
  return import('../commands/keys.ts')
}
