import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../architecture/workspaces.ts'

const PAGE = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8')

/** The shape of the JSON that the page of the command shows after the words: its names, and what they hold. */
export function documentedShape(words: string): unknown {
  const from = PAGE.indexOf(words)
  const example = from === -1 ? null : /^```json\n(.*?)^```/ms.exec(PAGE.slice(from))
  if (example === null) throw new Error(`docs/cli.md shows no JSON after "${words}"`)
  return shapeOf(JSON.parse(example[1] ?? ''))
}

export function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}
