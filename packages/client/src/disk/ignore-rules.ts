import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ignore from 'ignore'

export const IGNORE_FILE = '.ladingignore'

/** Patterns in the syntax of `.gitignore`; a directory's path, to be compared with them, ends in a slash. */
export type Patterns = ReturnType<typeof ignore>

export function patternsOf(lines: readonly string[]): Patterns {
  return ignore({ ignorecase: false }).add(lines)
}

/** What is left out of a directory: by the rules of the directories above it, and by its own, which win. */
export class IgnoreRules {
  readonly #rules: readonly (readonly [prefix: string, patterns: Patterns])[]

  constructor(rules: readonly (readonly [prefix: string, patterns: Patterns])[]) {
    this.#rules = rules
  }

  /** With the rules of the directory `folder`, whose path in the tree ends in a slash, or is empty. */
  async below(folder: string, prefix: string): Promise<IgnoreRules> {
    const text = await readFile(join(folder, IGNORE_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return this
    return new IgnoreRules([[prefix, patternsOf(text.split(/\r?\n/))], ...this.#rules])
  }

  leaveOut(path: string): boolean {
    for (const [prefix, patterns] of this.#rules) {
      const { ignored, unignored } = patterns.test(path.slice(prefix.length))
      if (ignored || unignored) return ignored
    }
    return false
  }
}
