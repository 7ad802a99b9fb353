import { parseArtifactPath, parseListPrefix } from '@lading/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkDirectory, checkPath } from './artifact-path.ts'
import { artifactAddress, type RunContext } from './run-context.ts'

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

test('refuses no path that the server takes, of files and of directories', () => {
  fc.assert(
    fc.property(path, (given) => {
      const [file, directory] = [takes(parseArtifactPath, given), takes(parseListPrefix, given)]
      return (!file || takes(checkPath, given)) && (!directory || takes(checkDirectory, given))
    }),
    { numRuns: 5000 },
  )
})

test('takes no path that changes on its way into an address', () => {
  const context = { address: '/runs/1' } as RunContext
  fc.assert(
    fc.property(path, (given) => {
      if (!takes(checkPath, given)) return true
      const address = artifactAddress(context, given)
      return new URL(address, 'http://localhost').pathname === address
    }),
    { numRuns: 5000 },
  )
})

test('takes and refuses the characters that the server takes and refuses', () => {
  const differing: string[] = []
  const planes = [0, 1, 14].map((plane) => plane * 0x10000)
  for (const codePoint of planes.flatMap((first) => Array.from({ length: 0x10000 }, (_, n) => first + n))) {
    const name = `a${String.fromCodePoint(codePoint)}b`
    if (takes(checkPath, name) !== takes(parseArtifactPath, name)) differing.push(codePoint.toString(16))
  }
  expect(differing).toEqual([])
})

test.each([
  '',
  '.',
  '..',
  'a/../b',
  './a',
  'a//b',
  '/a',
  'a/',
  'C:a',
  'a:/b',
  'a\\b',
  'a ',
  'a.',
  'a#b',
  'ü'.repeat(128),
])('refuses %j, as the server does', (given) => {
  expect([takes(checkPath, given), takes(parseArtifactPath, given)]).toEqual([false, false])
})
