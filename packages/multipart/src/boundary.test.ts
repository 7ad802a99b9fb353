import { describe, expect, it } from 'vitest'
import { parseBoundary } from './boundary.ts'
import { refusalOf } from './fixtures/collect.ts'

describe('The boundary of a Content-Type', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data;BOUNDARY=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; boundary="a b:c"', 'a b:c'],
    ['multipart/form-data ;\tboundary=abc ; ', 'abc'],
    [`multipart/form-data; boundary=${'b'.repeat(70)}`, 'b'.repeat(70)],
    [`multipart/form-data; boundary="'()+_,-./:=?"`, `'()+_,-./:=?`],
    [
      'multipart/form-data; boundary=----WebKitFormBoundaryTB2MiQ36fnSJlrhY',
      '----WebKitFormBoundaryTB2MiQ36fnSJlrhY',
    ],
  ])('is read from %s', (contentType, boundary) => {
    expect(parseBoundary(contentType)).toBe(boundary)
  })

  it.each([
    ['there is no Content-Type', undefined],
    ['the Content-Type is empty', ''],
    ['the body is JSON', 'application/json'],
    ['the body is urlencoded', 'application/x-www-form-urlencoded'],
    ['the body is another multipart', 'multipart/mixed; boundary=abc'],
    ['the type only begins like a form', 'multipart/form-data2; boundary=abc'],
  ])('is refused as an unsupported type when %s', (_, contentType) => {
    expect(refusalOf(() => parseBoundary(contentType))).toMatch(
      /^unsupported_media_type: .*multipart\/form-data/,
    )
  })

  it.each([
    ['is missing', 'multipart/form-data', /no boundary/],
    ['is empty', 'multipart/form-data; boundary=""', /empty/],
    ['has no value', 'multipart/form-data; boundary=', /parsed/],
    ['has 71 characters', `multipart/form-data; boundary=${'b'.repeat(71)}`, /71 .* 70/],
    ['has a character that needs quotes', 'multipart/form-data; boundary=a/b', /parsed/],
    ['has a character that is not allowed', 'multipart/form-data; boundary="a*b"', /letters/],
    ['has a backslash', 'multipart/form-data; boundary="a\\b"', /letters/],
    ['is not ASCII', 'multipart/form-data; boundary="ä"', /letters/],
    ['has a line break', 'multipart/form-data; boundary="a\r\nb"', /letters/],
    ['ends with a space', 'multipart/form-data; boundary="a "', /space/],
    ['is not closed by a quote', 'multipart/form-data; boundary="abc', /parsed/],
    ['is given twice', 'multipart/form-data; boundary=a; boundary=b', /more than one/],
    ['is given twice alike', 'multipart/form-data; boundary=a; Boundary=a', /more than one/],
    ['is in two Content-Types', 'multipart/form-data; boundary=a, multipart/form-data; boundary=b', /parsed/],
    ['is split as in RFC 2231', 'multipart/form-data; boundary*0=a', /not supported/],
    ['has a space before its value', 'multipart/form-data; boundary= a', /parsed/],
  ])('is refused when it %s', (_, contentType, detail) => {
    const refusal = refusalOf(() => parseBoundary(contentType))
    expect(refusal).toMatch(/^multipart_boundary_invalid: /)
    expect(refusal).toMatch(detail)
  })
})
