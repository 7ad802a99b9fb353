import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Manner, Session, SessionOptions } from '../user/session.ts'

/** With the options that every command of a user has. */
export function userCommand(command: Command): Command {
  return command
    .option('--url <url>', 'the server; LADING_URL else')
    .option('--tenant <tenant>', 'the tenant; LADING_TENANT else')
    .option('--json', 'print JSON, an object a line', false)
}

export async function asUser(
  options: SessionOptions,
  work: (session: Session) => Promise<void>,
  manner: Manner = {},
): Promise<void> {
  const { withSession } = await import('../user/session.ts')
  await withSession(options, manner, work)
}

export function runOption(): Option {
  return new Option('--run <run_id>', 'the run').env('LADING_RUN').argParser(notEmpty).makeOptionMandatory()
}

export function limitOption(fallback: number): Option {
  return new Option('--limit <count>', 'the most that are listed').argParser(countOf).default(fallback)
}

/** For an option that may be given several times. */
export function gathered(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

/** As a variable of a script is that was never set. */
function notEmpty(value: string): string {
  if (value.trim() !== '') return value
  throw new InvalidArgumentError('it is empty')
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('it must be a whole number from 1 on')
}
