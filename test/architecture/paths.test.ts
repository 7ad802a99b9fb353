import { expect, test } from 'vitest'
import { filesWith } from './files-with.ts'

const PARSER = 'packages/core/src/artifact-path.ts'

test('a text becomes the path of an artifact in one module', () => {
  expect(filesWith(/\bas (unknown as )?Artifact(Path|Directory)\b|<Artifact(Path|Directory)>\s*\w/)).toEqual([
    PARSER,
  ])
})

test('only rows of the catalog are believed to be paths without being parsed', () => {
  const strays = filesWith(/\bkeptPath\b/).filter(
    (path) => path !== PARSER && !path.startsWith('packages/catalog/'),
  )
  expect(strays).toEqual([])
})

/** A second decoding is how `%252e` becomes a dot. */
test('percent escapes of a request are decoded once: its path in one place, its query in another', () => {
  expect(filesWith(/\bdecodeURI(Component)?\(|\bunescape\(|querystring/)).toEqual([
    'apps/api/src/request-target.ts',
    PARSER,
  ])
})

test('nothing that takes a request resolves its path against the file system', () => {
  const api = filesWith(/from 'node:(fs|path)(\/\w+)?'/).filter((path) => path.startsWith('apps/api/'))
  // The page of the document, whose few files come from a package's folder.
  expect(api).toEqual(['apps/api/src/docs/assets.ts'])
})
