import { HIDDEN } from './hidden-characters.ts'

/** Characters of a refused value that an error's detail repeats. */
const LIMIT = 80

/**
 * A refused value, safe to repeat in an error's detail, a log line or a terminal: as a JSON string, cut at 80
 * characters, and with every character that cannot be seen written as an escape.
 */
export function quoted(text: string): string {
  const cut = text.length > LIMIT ? `${text.slice(0, LIMIT)}…` : text
  return JSON.stringify(cut).replace(HIDDEN, codePointEscape)
}

function codePointEscape(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
