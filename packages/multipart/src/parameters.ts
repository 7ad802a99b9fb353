/** One `name=value` after a media type or a disposition. */
export interface Parameter {
  /** Lower case, as names are compared without regard to it. */
  readonly name: string
  readonly value: string
}

/**
 * The parameters of a header value (RFC 9110, 5.6.6): each a token, "=" without space, and a token or quoted string.
 *
 * In a quoted string a backslash escapes `"` and `\` only. RFC 9110 lets it escape any character, but browsers send
 * a filename's backslashes as they are, so that a backslash before anything else stays (`a\b` is a name).
 *
 * @param text What follows the media type or disposition type.
 * @param refuse Is told the fault in words, and throws.
 */
export function parseParameters(text: string, refuse: (fault: string) => never): Parameter[] {
  const parameters: Parameter[] = []
  const trimmed = trimSpace(text)
  for (let at = 0; at < trimmed.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at
    const match = PARAMETER.exec(trimmed)
    if (match === null) return refuse(faultAt(trimmed, at))
    const [, name, token, quoted] = match
    if (name === undefined) continue
    parameters.push({ name: name.toLowerCase(), value: token ?? unquote(quoted ?? '') })
  }
  return parameters
}

/** `text` without the spaces and tabs around it (RFC 9110, 5.6.3); `trim` would also take a no-break space. */
export function trimSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text[start])) start++
  while (end > start && isSpace(text[end - 1])) end--
  return text.slice(start, end)
}

export function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** RFC 9110, 5.6.2: the characters of a token. */
export const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"

/** The parameter itself is optional: RFC 9110 lets a list have empty members, such as a last ";". */
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\[^])*)"))?`, 'y')

function unquote(quoted: string): string {
  return quoted.includes('\\') ? quoted.replace(/\\(["\\])/g, '$1') : quoted
}

function faultAt(text: string, at: number): string {
  const rest = JSON.stringify(text.slice(at, at + 40))
  return `expected ; name=value or ; name="value" at ${rest} (characters other than a token's need quotes)`
}
