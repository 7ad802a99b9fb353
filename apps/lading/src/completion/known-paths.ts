import type { Vocabulary } from './vocabulary.ts'

/** Patterns of `case` for what the words of a line may be put together to, a word at a time: `" jobs" | "jobs watch"`. */
export function knownPaths(vocabularies: readonly Vocabulary[]): string {
  return vocabularies
    .filter(({ path }) => path !== '')
    .map(({ path }) => (path.includes(' ') ? `"${path}"` : `" ${path}"`))
    .join(' | ')
}
