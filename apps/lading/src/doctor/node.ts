import { availableParallelism } from 'node:os'
import { type Finding, fail, ok } from './finding.ts'

/** Types are stripped at run time, which Node does by itself from this version on. */
const LEAST = [22, 18] as const

export async function examineNode(): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const found = `Node ${process.versions.node}, ${process.platform} on ${process.arch}, ${availableParallelism()} processors`
  const recent = major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1])
  if (recent) return [ok('node.version', found)]
  return [fail('node.version', found, 'Install Node 24; `npm ci` brings one, which `npx lading` runs on.')]
}
