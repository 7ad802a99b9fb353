import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Sha256Hex } from './digest.ts'
import { formatDigestField, parseDigestField, parseSha256Hex } from './digest-fields.ts'

/** The example of RFC 9530, appendix A: `{"hello": "world"}` and a line feed. */
const RFC_FIELD = 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'
const RFC_SHA = createHash('sha256').update('{"hello": "world"}\n').digest('hex')

describe('a digest field', () => {
  test('is read as in the example of RFC 9530', () => {
    expect(parseDigestField(RFC_FIELD, 'Content-Digest')).toBe(RFC_SHA)
  })

  test('may list other algorithms, parameters and spaces around the one that is taken', () => {
    const field = ` sha-512=:${Buffer.alloc(64).toString('base64')}:;a=1 ,\t${RFC_FIELD};b , unixsum=3 `
    expect(parseDigestField(field, 'Repr-Digest')).toBe(RFC_SHA)
  })

  test('that is empty declares nothing', () => {
    expect(parseDigestField('', 'Content-Digest')).toBeUndefined()
  })

  test('comes back from what is written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const sha256 = Buffer.from(bytes).toString('hex') as Sha256Hex
        expect(parseDigestField(formatDigestField(sha256), 'Content-Digest')).toBe(sha256)
      }),
    )
  })

  test.each([
    ['hexadecimal, as curl users write it', `sha-256=${RFC_SHA}`],
    ['a bare base64 value', 'sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg='],
    ['the old Digest field', 'SHA-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'],
    ['a string', `sha-256="${RFC_SHA}"`],
    ['an inner list', 'sha-256=(:AAAA:)'],
    ['no value', 'sha-256'],
    ['an open byte sequence', 'sha-256=:AAAA'],
    ['characters outside base64', 'sha-256=:A*A=:'],
    ['broken base64', 'sha-256=:A:'],
    ['a digest too short', 'sha-256=:AAAA:'],
    ['a digest too long', `sha-256=:${Buffer.alloc(33).toString('base64')}:`],
    ['an empty digest', 'sha-256=::'],
    ['a comma at the end', `${RFC_FIELD},`],
    ['what is not a dictionary', '???'],
  ])('is refused with %s, and the field is named', (_reason, field) => {
    expect(() => parseDigestField(field, 'Content-Digest')).toThrow(
      expect.objectContaining({ code: 'digest_invalid', detail: expect.stringMatching(/^Content-Digest: /) }),
    )
  })

  test('with only other algorithms is answered with the one that is wanted', () => {
    expect(() => parseDigestField('md5=:AAAA:, sha-512=:AAAA:', 'Content-Digest')).toThrow(
      expect.objectContaining({
        code: 'digest_unsupported',
        headers: { 'want-content-digest': 'sha-256=10' },
      }),
    )
  })

  test('is never an unexpected error, whatever it holds', () => {
    const unit = fc.constantFrom(
      'sha-256',
      'md5',
      '=',
      ':',
      ',',
      ';',
      ' ',
      'A',
      '"',
      '(',
      ')',
      '@',
      '%"',
      '?',
      'é',
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit })), (field) => {
        try {
          parseDigestField(field, 'Content-Digest')
        } catch (error) {
          expect(error).toMatchObject({ name: 'LadingError', code: expect.stringMatching(/^digest_/) })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a SHA-256 in a form', () => {
  test('is 64 hexadecimal digits of either case', () => {
    expect(parseSha256Hex(RFC_SHA.toUpperCase(), 'sha256')).toBe(RFC_SHA)
  })

  test.each(['', RFC_SHA.slice(1), `${RFC_SHA}0`, `${RFC_SHA}\n`, `g${RFC_SHA.slice(1)}`, ` ${RFC_SHA}`])(
    'is not %j',
    (text) => {
      expect(() => parseSha256Hex(text, 'sha256')).toThrow(
        expect.objectContaining({
          code: 'digest_invalid',
          detail: 'sha256: a SHA-256 is 64 hexadecimal digits',
        }),
      )
    },
  )
})
