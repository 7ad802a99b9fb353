import type { ArtifactPath } from '@lading/core'
import { LadingError } from '@lading/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PlacedFile } from './lane.ts'
import { settlePaths } from './settle-paths.ts'

type Entry = Pick<PlacedFile, 'path' | 'type'>

/** Few names, so that they meet; `a-` and `a.` come before `a/` in order, and are no part of it. */
const SEGMENT = fc.constantFrom('a', 'a-', 'a.', 'b', 'ä')
const ENTRIES: fc.Arbitrary<Entry[]> = fc.array(
  fc.record({
    path: fc
      .array(SEGMENT, { minLength: 1, maxLength: 4 })
      .map((segments) => segments.join('/') as ArtifactPath),
    type: fc.constantFrom('file' as const, 'file' as const, 'directory' as const),
  }),
  { maxLength: 7 },
)

test('what is kept of a request is what a disk would hold, or it is refused as a disk would', () => {
  fc.assert(
    fc.property(ENTRIES, (entries) => {
      expect(settled(entries)).toEqual(onDisk(entries))
    }),
    { numRuns: 3000 },
  )
})

/** The paths, a directory's with a slash, or the code of the refusal. */
function settled(entries: readonly Entry[]): string[] | string {
  try {
    return settlePaths(entries as readonly PlacedFile[])
      .map(({ path, type }) => (type === 'directory' ? `${path}/` : path))
      .sort()
  } catch (error) {
    if (error instanceof LadingError) return error.code
    throw error
  }
}

/** The same by the definition, with every entry held against every other. */
function onDisk(entries: readonly Entry[]): string[] | string {
  const files = entries.filter(({ type }) => type === 'file').map(({ path }) => path as string)
  if (new Set(files).size < files.length) return 'path_duplicate'
  const isBelow = (path: string, above: string) => path.startsWith(`${above}/`)
  const clash = files.some((file) =>
    entries.some(({ path, type }) => isBelow(path, file) || (type === 'directory' && path === file)),
  )
  if (clash) return 'path_conflict'
  const directories = entries.filter(({ type }) => type === 'directory').map(({ path }) => path as string)
  const empty = directories.filter((path) => !entries.some((other) => isBelow(other.path, path)))
  return [...files, ...new Set(empty.map((path) => `${path}/`))].sort()
}
