import type { Command } from 'commander'
import type { ClearQuotaOptions, SetQuotaOptions, ShowQuotasOptions } from '../commands/quotas.ts'
import { withExamples } from './examples.ts'

/** Quotas are set where the database is, by who runs the server. */
export function addQuotasCommands(program: Command): void {
  const quotas = program.command('quotas').description('show and set what tenants may have')
  quotas
    .command('show')
    .description('what a tenant has and may have; else all that was set')
    .option('--tenant <tenant>', 'this tenant')
    .option('--json', 'print JSON', false)
    .action(async (options: ShowQuotasOptions) => (await load()).showQuotas(options))
  withExamples(
    quotas
      .command('set')
      .description('set what a tenant may have, within 10 seconds at every API; what is not given stays')
      .requiredOption('--tenant <tenant>', 'the tenant')
      .option('--bytes <bytes>', 'bytes of artifacts, such as 500GiB')
      .option('--objects <count>', 'artifacts')
      .option('--spooled <bytes>', 'bytes that wait in temporary storage')
      .option('--request-rate <count>', 'requests a second, over all processes')
      .option('--byte-rate <bytes>', 'bytes a second, over all processes')
      .option('--uploads <count>', 'uploads that one process receives at once')
      .option('--json', 'print JSON', false)
      .action(async (options: SetQuotaOptions) => (await load()).setQuota(options)),
    { 'lading quotas set --tenant acme-corp --bytes 2TiB --request-rate 200': 'for one tenant' },
  )
  quotas
    .command('clear')
    .description('give a tenant what the settings give to all (LADING_QUOTA_...)')
    .requiredOption('--tenant <tenant>', 'the tenant')
    .option('--json', 'print JSON', false)
    .action(async (options: ClearQuotaOptions) => (await load()).clearQuota(options))
}

function load() {
  return import('../commands/quotas.ts')
}
