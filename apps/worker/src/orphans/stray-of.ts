import type { RunPlace, Stray } from '@lading/catalog'
import { isId, parseArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** Whose key it would be; undefined where Lading would never have written it. */
export function strayOf({ runId, bucket, root }: RunPlace, key: string): Stray | undefined {
  const object = { bucket, key }
  const path = after(`${root}artifacts/`, key)
  if (path !== undefined) return isPath(path) ? { runId, object, of: { path } } : undefined
  const fileId = after(`${root}staging/`, key)
  return fileId !== undefined && isId(fileId) ? { runId, object, of: { fileId } } : undefined
}

function after(beginning: string, key: string): string | undefined {
  return key.startsWith(beginning) ? key.slice(beginning.length) : undefined
}

function isPath(text: string): boolean {
  try {
    return parseArtifactPath(text) === text
  } catch (error) {
    if (error instanceof LadingError) return false
    throw error
  }
}
