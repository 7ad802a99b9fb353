import { EXIT_CODES, type Exit } from './exit-codes.ts'
import { SettingsError } from './settings/settings-error.ts'
import { UsageError } from './usage-error.ts'

/** How a command ends that failed, and the sentence that says why. */
export interface Ending {
  readonly exit: Exit
  readonly sentence: string
}

export function endingOf(error: unknown): Ending {
  if (error instanceof SettingsError || error instanceof UsageError)
    return { exit: 'usage', sentence: error.message }
  if (!(error instanceof Error)) return { exit: 'failed', sentence: String(error) }
  return { exit: 'failed', sentence: detailOf(error) ?? error.message }
}

export function codeOf({ exit }: Ending): number {
  return EXIT_CODES[exit].code
}

/** A `LadingError` is known by its name: its module brings all schemas with it, which every start would wait for. */
function detailOf(error: Error): string | undefined {
  return error.name === 'LadingError' && 'detail' in error ? String(error.detail) : undefined
}
