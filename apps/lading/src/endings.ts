import { LadingError } from '@lading/client'
import { EXIT_CODES, type Exit } from './exit-codes.ts'
import { Interrupted } from './interrupted.ts'
import { PartialFailure } from './partial-failure.ts'
import { SettingsError } from './settings/settings-error.ts'
import { UsageError } from './usage-error.ts'

/** How a command ends that failed: for scripts, and in a sentence. */
export interface Ending {
  readonly exit: Exit
  /** Of the server's table of errors, or of the client's, or the exit's name. */
  readonly code: string
  readonly sentence: string
}

export function endingOf(error: unknown): Ending {
  if (error instanceof LadingError)
    return { exit: exitOf(error), code: error.code, sentence: sentenceOf(error) }
  const sentence = error instanceof Error ? (detailOf(error) ?? error.message) : String(error)
  const exit = exitOfKind(error)
  return { exit, code: exit, sentence }
}

export function exitCodeOf(exit: Exit): number {
  return EXIT_CODES[exit].code
}

function exitOfKind(error: unknown): Exit {
  if (error instanceof SettingsError || error instanceof UsageError) return 'usage'
  if (error instanceof Interrupted) return 'interrupted'
  return error instanceof PartialFailure ? 'partial' : 'failed'
}

/** By what a script would do about it: correct itself, ask for a key, or come back later. */
function exitOf({ code, status, retryable }: LadingError): Exit {
  if (code === 'connection_failed') return 'unreachable'
  // The client says so before it asks, as the server would.
  if (code === 'path_invalid') return 'refused'
  if (status === undefined) return 'failed'
  if (status === 404) return 'notFound'
  if (retryable) return 'unreachable'
  return status < 500 ? 'refused' : 'failed'
}

function sentenceOf({ code, detail }: LadingError): string {
  // Of the server: it has no such address at all.
  if (code === 'not_found')
    return `${detail}; LADING_URL must be where the server is, without a path of its API`
  if (code === 'link_refused') return `${detail}: ${optionFor(detail)}`
  if (code !== 'connection_failed') return detail
  return `${detail}; is it running, and is LADING_URL right? \`lading doctor server\` looks closer`
}

/** Of the server's own `LadingError`, whose module would bring all schemas with it. */
function detailOf(error: Error): string | undefined {
  return error.name === 'LadingError' && 'detail' in error ? String(error.detail) : undefined
}

/** The client gives one code to all that is no file. A pipe or socket in a directory is no link. */
function optionFor(detail: string): string {
  return detail.includes('a symbolic link')
    ? '--links follow, or --links skip'
    : '--exclude leaves it out, and --links skip a link'
}
