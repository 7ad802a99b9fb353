import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ERRORS } from '@lading/protocol'
import { createMetrics } from '../../apps/api/src/metrics.ts'
import { readConfig } from '../../apps/lading/src/config.ts'
import { openContext } from '../../apps/lading/src/context.ts'
import { createProgram } from '../../apps/lading/src/program/program.ts'
import { SETTINGS, type Setting } from '../../apps/lading/src/settings/table.ts'
import { workerMetrics } from '../../apps/worker/src/metrics.ts'
import { ROOT } from '../architecture/workspaces.ts'
import { CASES } from '../faults/cases/list.ts'
import MEASURED from '../faults/measured.json' with { type: 'json' }

/** Makes the table of a page of the docs from the code that it speaks of, by the page's path from the root. */
export const TABLES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/settings.md': settingsTable,
  'docs/errors.md': errorsTable,
  'docs/metrics.md': metricsTable,
  'docs/faults.md': faultsTable,
  'docs/cli.md': commandsTable,
  'docs/decisions/README.md': decisionsTable,
}

function settingsTable(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { kind, fallback, about }]) => {
    return [
      code(name),
      kind.form,
      fallback === undefined ? '' : shown((kind.format ?? String)(fallback)),
      about,
    ]
  })
  return table(['Variable', 'Value', 'Default', 'What it sets'], rows)
}

function errorsTable(): string {
  const rows = Object.entries(ERRORS).map(([name, { status, retryable, title }]) => {
    return [code(name), String(status), retryable ? 'yes' : 'no', title]
  })
  return table(['Code', 'Status', 'Retry', 'Title'], rows)
}

/** The times are those of the last full run that somebody wrote down. */
function faultsTable(): string {
  const rows = CASES.map(({ name, fault, expected }) => {
    const seconds = (MEASURED as Readonly<Record<string, number>>)[name]
    return [fault, code(name), expected, seconds === undefined ? 'not measured' : `${seconds} s`]
  })
  return table(['Fault', 'Case', 'Expected', 'Recovery'], rows)
}

/** By number; a page's first line is its title. */
function decisionsTable(): string {
  const folder = join(ROOT, 'docs/decisions')
  const rows = globSync('0*.md', { cwd: folder })
    .sort()
    .map((page) => {
      const [, title = ''] = /^# (\d+\. .+)/.exec(readFileSync(join(folder, page), 'utf8')) ?? []
      return [`[${title}](${page})`]
    })
  return table(['Decision'], rows)
}

type Command = ReturnType<typeof createProgram>

/** The commands that do something, each with its arguments and options. */
function commandsTable(): string {
  const rows = createProgram().commands.flatMap((command) => rowsOf(command, 'lading'))
  return table(['Command', 'What it does', 'Options'], rows)
}

function rowsOf(command: Command['commands'][number], above: string): string[][] {
  const name = `${above} ${command.name()}`
  const within = command.commands.flatMap((sub) => rowsOf(sub, name))
  if (within.length > 0) return within
  const args = command.registeredArguments.map(
    (argument) => ` ${argument.required ? `<${nameOf(argument)}>` : `[${nameOf(argument)}]`}`,
  )
  const options = command.options.map(({ flags }) => code(flags))
  return [[code(`${name}${args.join('')}`), command.description(), options.join(' ')]]
}

function nameOf(argument: { name(): string; readonly variadic: boolean }): string {
  return argument.variadic ? `${argument.name()}...` : argument.name()
}

/** What prom-client's metrics hold; it declares less than that. */
interface Metric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly labelNames: readonly string[]
}

/** Opens what a process opens, with nothing to connect to, and lists what it has registered. */
async function metricsTable(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lading-docs-'))
  try {
    const config = readConfig({ LADING_DATA_DIR: directory, LADING_LOG_LEVEL: 'silent' })
    await using context = await openContext(config, 'postgres://nobody@127.0.0.1:1/none')
    const { metrics, spool } = context
    const registered = () => metrics.getMetricsAsArray() as unknown as readonly Metric[]
    const rows: string[][] = []
    const collect = (process: string) => {
      for (const { name, type, help, labelNames } of registered()) {
        if (!name.startsWith('lading_') || rows.some(([seen]) => seen === code(name))) continue
        rows.push([code(name), type, labelNames.map(code).join(', '), process, help.replace(/\.$/, '')])
      }
    }
    collect('all')
    createMetrics(metrics, spool)
    collect('API')
    workerMetrics(metrics)
    collect('worker')
    return table(['Metric', 'Kind', 'Labels', 'Process', 'What it is'], rows)
  } finally {
    await rm(directory, { recursive: true })
  }
}

function code(text: string): string {
  return `\`${text}\``
}

function shown(text: string): string {
  return text === '' ? 'none' : code(text)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(escaped).join(' | ')} |`.replaceAll('|  |', '| |')).join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}
