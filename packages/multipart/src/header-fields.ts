import { isSpace, TOKEN, trimSpace } from './parameters.ts'
import type { PartRef } from './part-ref.ts'

/**
 * The fields of a part's header by lower-case name (RFC 2046, 5.1; RFC 5322, 2.2). A line that begins with a space or
 * tab goes on with the line before it (RFC 5322, 2.2.3). Fields that decide what a part is may come once only, since
 * two readers could go by different ones; others may repeat, and are ignored (RFC 7578, 4.8).
 */
export function parseHeaderFields(lines: readonly string[], part: PartRef): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of unfold(lines, part)) {
    const name = line.slice(0, Math.max(0, line.indexOf(':')))
    if (!FIELD_NAME.test(name)) return malformed(part, line)
    const key = name.toLowerCase()
    // Content-Disposition is left to its own parser, which can tell the parameter that has the control character.
    if (key !== 'content-disposition' && hasControl(line)) return malformed(part, line)
    if (!DECISIVE.has(key)) continue
    if (fields.has(key)) part.refuse(`has the header ${name} twice`)
    fields.set(key, trimSpace(line.slice(name.length + 1)))
  }
  return fields
}

const DECISIVE = new Set([
  'content-disposition',
  'content-type',
  'content-transfer-encoding',
  'content-encoding',
])

const FIELD_NAME = new RegExp(`^${TOKEN}$`)

function unfold(lines: readonly string[], part: PartRef): string[] {
  const unfolded: string[] = []
  for (const line of lines) {
    if (!isSpace(line[0])) {
      unfolded.push(line)
      continue
    }
    const before = unfolded.pop()
    if (before === undefined || trimSpace(line) === '') return malformed(part, line)
    unfolded.push(before + line)
  }
  return unfolded
}

function malformed(part: PartRef, line: string): never {
  const shown = JSON.stringify(line.slice(0, 40))
  return part.refuse(`has a header line that is not "Name: value": ${shown}`, 'multipart_malformed')
}

function hasControl(line: string): boolean {
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true
  }
  return false
}
