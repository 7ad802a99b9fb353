import type { PathClash } from '@lading/catalog'
import { LadingError } from '@lading/protocol'
import type { PlacedFile } from './lane.ts'

/**
 * What of a request is to be accepted: its files, and of its directories, once each, those that nothing else lies below;
 * the others are there by their files. Fails with `path_duplicate`, and `path_conflict` when a path is both a file's and
 * a directory's.
 */
export function settlePaths(entries: readonly PlacedFile[]): readonly PlacedFile[] {
  const files = new Set<string>()
  let directories = 0
  for (const { path, type } of entries) {
    if (type === 'directory') {
      directories++
      continue
    }
    if (files.has(path)) throw clash({ kind: 'duplicate', path, other: path })
    files.add(path)
  }
  if (entries.length === 1) return entries
  const inner = innerDirectories(entries, files)
  return directories === 0 ? entries : withLeavesOnly(entries, files, inner)
}

/** Every directory that something lies below. */
function innerDirectories(entries: readonly PlacedFile[], files: ReadonlySet<string>): Set<string> {
  const inner = new Set<string>()
  for (const { path } of entries) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash)
      if (inner.has(directory)) break
      if (files.has(directory)) throw clash({ kind: 'conflict', path: directory, other: path })
      inner.add(directory)
    }
  }
  return inner
}

function withLeavesOnly(
  entries: readonly PlacedFile[],
  files: ReadonlySet<string>,
  inner: ReadonlySet<string>,
): PlacedFile[] {
  const leaves = new Set<string>()
  return entries.filter(({ path, type }) => {
    if (type === 'file') return true
    if (files.has(path)) throw clash({ kind: 'conflict', path, other: `${path}/` })
    if (inner.has(path) || leaves.has(path)) return false
    leaves.add(path)
    return true
  })
}

/** `path_duplicate` or `path_conflict`. */
export function clash({ kind, path, other }: PathClash): LadingError {
  if (kind === 'duplicate')
    return new LadingError('path_duplicate', `${JSON.stringify(path)}: two files have this path`)
  return new LadingError(
    'path_conflict',
    `${JSON.stringify(path)} is a file of the request, and the directory of ${JSON.stringify(other)}`,
  )
}
