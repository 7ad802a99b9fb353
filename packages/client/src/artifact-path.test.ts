import { parseArtifactPath, parseListPrefix } from '@lading/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkDirectory, checkPath } from './artifact-path.ts'

const PIECES =
  'a Z : / / // . .. \\ # ? % 2e %2F %252e %c2%80 + ü 漢 \u{1f6a2} \u00e9 e\u0301 \u0000 \u200d \ud800'.split(
    ' ',
  )

function takes(check: (path: string) => unknown, path: string): boolean {
  try {
    check(path)
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'path_invalid', retryable: false })
    return false
  }
}

const long = fc.constantFrom('a'.repeat(255), 'ü'.repeat(128), 'a/'.repeat(63), 'ü/'.repeat(300))
const path = fc
  .array(fc.oneof(fc.constantFrom(...PIECES, ' ', '\t'), fc.string({ maxLength: 3 }), long), { maxLength: 8 })
  .map((pieces) => pieces.join(''))

test('takes and refuses the paths that the server takes and refuses', () => {
  fc.assert(
    fc.property(path, (given) => takes(checkPath, given) === takes(parseArtifactPath, given)),
    { numRuns: 5000 },
  )
})

test('so of directories', () => {
  fc.assert(
    fc.property(path, (given) => takes(checkDirectory, given) === takes(parseListPrefix, given)),
    { numRuns: 5000 },
  )
})

test('so of names with any character that Unicode names', () => {
  const differing: string[] = []
  const planes = [0, 1, 14].map((plane) => plane * 0x10000)
  for (const codePoint of planes.flatMap((first) => Array.from({ length: 0x10000 }, (_, n) => first + n))) {
    const name = `a${String.fromCodePoint(codePoint)}b`
    if (takes(checkPath, name) !== takes(parseArtifactPath, name)) differing.push(codePoint.toString(16))
  }
  expect(differing).toEqual([])
})
