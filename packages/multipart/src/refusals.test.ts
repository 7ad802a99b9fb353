import { describe, expect, it } from 'vitest'
import { collect, refusalOf } from './fixtures/collect.ts'
import { BOUNDARY, everySplit, type FormPart, formBody, partWith } from './fixtures/form-body.ts'
import type { MultipartLimits } from './limits.ts'

/** Small, so that a body beyond them can be cut at each place. */
const LIMITS: Partial<MultipartLimits> = { headerBytes: 200, nameBytes: 20, parts: 3 }
const good = partWith('name="a"')
const text = (value: string) => Buffer.from(value, 'latin1')
const header = (...lines: FormPart['header']): Buffer => formBody(good, { header: lines, content: 'x' })
const file = (parameters: string): Buffer => formBody(good, partWith(`name="f"; ${parameters}`))
const lines = (...all: string[]): Buffer => text(all.join('\r\n'))
const OK = 'Content-Disposition: form-data; name="f"'

type Row = readonly [what: string, body: Buffer, detail: RegExp]

const TABLE: Readonly<Record<string, readonly Row[]>> = {
  empty_body: [['nothing at all', text(''), /empty/]],

  multipart_malformed: [
    [
      'a boundary that is not the one of the header',
      text('--other\r\n\r\nx\r\n--other--\r\n'),
      /Form1boundary/,
    ],
    ['a first boundary that does not begin a line', text(`x--${BOUNDARY}--\r\n`), /Content-Type names/],
    ['a preamble of more than 1 KB', lines('p'.repeat(1025), `--${BOUNDARY}--`), /1024 bytes/],
    ['a boundary that goes on', text(`--${BOUNDARY}x\r\n${OK}\r\n\r\nx`), /start of the body .* goes on/],
    [
      'a content line that begins with the boundary',
      formBody(good, partWith('name="f"', `\r\n--${BOUNDARY}2`)),
      /Part 2 \("f"\) .*goes on/,
    ],
    ['one hyphen after the boundary', text(`--${BOUNDARY}-\r\n`), /goes on/],
    ['a boundary line that ends with LF', text(`--${BOUNDARY}\n${OK}\n\nx\n--${BOUNDARY}--\n`), /LF alone/],
    ['a boundary line that ends with CR', text(`--${BOUNDARY}\r${OK}`), /CR without LF/],
    ['33 spaces after a boundary', text(`--${BOUNDARY}${' '.repeat(33)}\r\n${OK}`), /32 spaces/],
    ['a hyphen after padding', text(`--${BOUNDARY} --\r\n`), /goes on/],
    ['bytes after the closing boundary', Buffer.concat([formBody(good), text('x')]), /Bytes follow/],
    ['two line breaks after the closing boundary', Buffer.concat([formBody(good), text('\r\n')]), /one CRLF/],
    ['a LF after the closing boundary', text(`--${BOUNDARY}--\n`), /one CRLF/],
    ['33 tabs after the closing boundary', text(`--${BOUNDARY}--${'\t'.repeat(33)}`), /32 spaces/],
    ['a header line that ends with LF', lines(`--${BOUNDARY}`, `${OK}\nA: b`, '', 'x'), /Part 1 .* LF alone/],
    ['a header whose empty line is a LF', lines(`--${BOUNDARY}`, `${OK}`, '\nx'), /Part 1 .* LF alone/],
    [
      'a header line without a colon',
      header(OK, 'Content-Type text/plain'),
      /Part 2 .*"Content-Type text\/plain"/,
    ],
    ['a header line without a name', header(OK, ': value'), /Part 2 has a header line/],
    [
      'a space before the colon',
      header('Content-Disposition : form-data; name="f"'),
      /Part 2 has a header line/,
    ],
    ['a header that begins with a folded line', header(` ${OK}`), /Part 2 has a header line/],
    ['a folded line of spaces only', header(OK, '  '), /Part 2 has a header line/],
    ['NUL in a header', header(OK, 'X-Other: a\0b'), /Part 2 has a header line/],
    ['CR in a header', header(OK, 'X-Other: a\rb'), /Part 2 has a header line/],
    [
      'a part that is all header',
      lines(`--${BOUNDARY}`, OK, `--${BOUNDARY}--`, '', ''),
      /Part 1 has a header line/,
    ],
  ],

  multipart_incomplete: [
    ['the beginning of a boundary', text('--'), /before the first part/],
    ['a first boundary without its line break', text(`--${BOUNDARY}`), /before the first part/],
    ['a part header without its end', lines(`--${BOUNDARY}`, OK, ''), /at Part 1/],
    ['a part without content', lines(`--${BOUNDARY}`, OK, '', ''), /at Part 1 \("f"\)/],
    ['a content without a boundary', lines(`--${BOUNDARY}`, OK, '', 'content'), /at Part 1 \("f"\)/],
    [
      'a last boundary without its hyphens',
      lines(`--${BOUNDARY}`, OK, '', 'x', `--${BOUNDARY}`),
      /Part 1 \("f"\)/,
    ],
    [
      'a last boundary with one hyphen',
      lines(`--${BOUNDARY}`, OK, '', 'x', `--${BOUNDARY}-`),
      /Part 1 \("f"\)/,
    ],
    ['half a line break at the end', text(`--${BOUNDARY}--\r`), /half a line break/],
  ],

  multipart_part_invalid: [
    ['no header', header(), /Part 2 has no Content-Disposition/],
    ['no Content-Disposition', header('Content-Type: text/plain'), /Part 2 has no Content-Disposition/],
    [
      'another disposition',
      header('Content-Disposition: attachment; name="f"'),
      /Part 2 .*"attachment".*form-data/,
    ],
    ['an empty disposition', header('Content-Disposition:'), /Part 2 .*form-data/],
    [
      'a disposition that only begins like form-data',
      header('Content-Disposition: form-data2; name="f"'),
      /form-data2/,
    ],
    ['no name', header('Content-Disposition: form-data; filename="f"'), /Part 2 has no name/],
    ['no parameters', header('Content-Disposition: form-data'), /Part 2 has no name/],
    ['an empty name', header('Content-Disposition: form-data; name=""'), /Part 2 has an empty name/],
    [
      'a name without quotes that needs them',
      header('Content-Disposition: form-data; name=a b'),
      /parsed.*quotes/,
    ],
    ['a name whose quote is not closed', header('Content-Disposition: form-data; name="a'), /parsed/],
    ['no semicolon between parameters', file('filename="a" x=y'), /parsed/],
    ['two names', file('name="g"'), /Part 2 has "name" twice/],
    ['two filenames', file('filename="a"; FILENAME="b"'), /Part 2 has "filename" twice/],
    ['two filename*', file("filename*=UTF-8''a; filename*=UTF-8''b"), /"filename\*" twice/],
    ['a continued filename', file('filename*0="a"; filename*1="b"'), /"filename\*0".* UTF-8/],
    ['an encoded name', header("Content-Disposition: form-data; name*=UTF-8''f"), /"name\*".* UTF-8/],
    ['two Content-Dispositions', header(OK, OK), /Part 2 has the header Content-Disposition twice/],
    ['two Content-Types', header(OK, 'Content-Type: a/b', 'content-type: a/b'), /content-type twice/],
    [
      'two transfer encodings',
      header(OK, 'Content-Transfer-Encoding: binary', 'Content-Transfer-Encoding: 8bit'),
      /twice/,
    ],
    ['an unknown charset', file("filename*=UTF-16''a"), /Part 2 \("f"\) has a filename\* .*"UTF-16"/],
    ['no charset', file("filename*=''a"), /filename\* .*charset/],
    ['a filename* in quotes', file(`filename*="UTF-8''a b"`), /percent-encoded/],
    ['a filename* that is plain', file('filename*=a'), /RFC 8187/],
    ['a filename* with half an escape', file("filename*=UTF-8''a%4"), /percent-encoded/],
    ['a filename* that is not UTF-8', file("filename*=UTF-8''a%ff"), /Part 2 \("f"\) .*not valid UTF-8/],
    ['an overlong UTF-8 slash', file("filename*=UTF-8''..%c0%af"), /not valid UTF-8/],
    ['a language that is not one', file("filename*=UTF-8'e_n'a"), /language/],
    [
      'filename and filename* that differ',
      file('filename="a"; filename*=UTF-8\'\'b'),
      /differs from its filename\*/,
    ],
    [
      'CR LF by way of filename*',
      file("filename*=UTF-8''a%0d%0aX"),
      /Part 2 \("f"\) .*U\+000D in its filename\*/,
    ],
    ['NUL by way of filename*', file("filename*=UTF-8''a%00"), /U\+0000 in its filename\*/],
    ['a C1 control by way of filename*', file("filename*=ISO-8859-1''a%85"), /U\+0085/],
    ['NUL in a filename', file('filename="a\0"'), /Part 2 has the control character U\+0000 in its filename/],
    ['CR in a filename', file('filename="a\rb"'), /U\+000D in its filename/],
    ['a tab in a filename', file('filename="a\tb"'), /U\+0009 in its filename/],
    ['DEL in a name', header('Content-Disposition: form-data; name="a\x7f"'), /U\+007F in its name/],
    [
      'a filename that is not UTF-8',
      header(text('Content-Disposition: form-data; name="f"; filename="\xe9"')),
      /Part 2 .*UTF-8/,
    ],
    ['a surrogate in a name', header(text('Content-Disposition: form-data; name="\xed\xa0\x80"')), /UTF-8/],
    ['base64', header(OK, 'Content-Transfer-Encoding: base64'), /Part 2 \("f"\) .*"base64".*binary/],
    ['quoted-printable', header(OK, 'Content-Transfer-Encoding: Quoted-Printable'), /"Quoted-Printable"/],
    ['gzip', header(OK, 'Content-Encoding: gzip'), /Part 2 \("f"\) has the Content-Encoding "gzip"/],
    [
      'a nested multipart',
      header(OK, 'Content-Type: Multipart/Mixed; boundary=b'),
      /Part 2 \("f"\) .*multipart\/mixed/,
    ],
    [
      'a Content-Type that is none',
      header(OK, 'Content-Type: text'),
      /Part 2 \("f"\) .*"text".*type\/subtype/,
    ],
    ['an empty Content-Type', header(OK, 'Content-Type:'), /type\/subtype/],
    ['a Content-Type with rubbish after it', header(OK, 'Content-Type: a/b c'), /parsed/],
    ['a field in another charset', header(OK, 'Content-Type: text/plain; charset=latin1'), /"latin1".*UTF-8/],
    ['the name __proto__', header('Content-Disposition: form-data; name="__proto__"'), /"__proto__"/],
    ['the name constructor', header('Content-Disposition: form-data; name=constructor'), /"constructor"/],
    ['the name prototype', header('Content-Disposition: form-data; name=prototype'), /"prototype"/],
  ],

  multipart_header_too_large: [
    ['a header line over the limit', header(OK, `X-Long: ${'x'.repeat(200)}`), /Part 2 .* 200 bytes/],
    [
      'header lines over the limit',
      header(OK, ...Array.from({ length: 40 }, () => 'X: y')),
      /Part 2 .* 200 bytes/,
    ],
    [
      'a header that never ends',
      Buffer.concat([text(`--${BOUNDARY}\r\n`), Buffer.alloc(300, 'x')]),
      /Part 1/,
    ],
  ],

  field_name_too_long: [
    [
      'a name of 21 bytes',
      header(`Content-Disposition: form-data; name="${'n'.repeat(21)}"`),
      /Part 2 .*21 bytes; 20/,
    ],
    [
      'a name of 11 characters in 22 bytes',
      header(`Content-Disposition: form-data; name="${'ä'.repeat(11)}"`),
      /22 bytes; 20/,
    ],
  ],

  too_many_parts: [['a fourth part', formBody(good, good, good, good), /more than 3 parts/]],
}

describe.each(Object.entries(TABLE))('A body is refused as %s', (code, rows) => {
  it.each(rows)('for %s, in the same words wherever it is cut', (_, body, detail) => {
    const refusals = new Set<string>()
    for (const chunks of everySplit(body)) refusals.add(refusalOf(() => collect(chunks, LIMITS)))
    expect([...refusals]).toHaveLength(1)
    expect([...refusals][0]).toMatch(new RegExp(`^${code}: `))
    expect([...refusals][0]).toMatch(detail)
  })
})

describe('A limit', () => {
  it.each([
    ['a preamble of 1,024 bytes', lines('p'.repeat(1024), `--${BOUNDARY}--`), {}],
    [
      '32 spaces after each boundary',
      lines(`--${BOUNDARY}${' '.repeat(32)}`, OK, '', 'x', `--${BOUNDARY}--${' '.repeat(32)}`),
      {},
    ],
    [
      'a header of just the limit',
      formBody(good),
      { headerBytes: 'Content-Disposition: form-data; name="a"\r\n\r\n'.length },
    ],
    ['a name of just the limit', formBody(partWith(`name="${'ä'.repeat(10)}"`)), { nameBytes: 20 }],
    ['as many parts as the limit', formBody(good, good, good), { parts: 3 }],
  ])('lets through %s', (_, body, limits) => {
    for (const chunks of everySplit(body)) expect(refusalOf(() => collect(chunks, limits))).toBe('accepted')
  })

  it('of 16 KB holds for a header by default, and for each part anew', () => {
    const large = partWith('name="f"', 'x', `X-Long: ${'x'.repeat(9000)}`)
    expect(collect([formBody(large, large, large)])).toHaveLength(3)
    const larger = partWith('name="f"', 'x', `X-Long: ${'x'.repeat(16 * 1024)}`)
    expect(refusalOf(() => collect([formBody(good, larger)]))).toMatch(
      /^multipart_header_too_large: Part 2 .* 16384 bytes/,
    )
  })
})

describe('A body that is cut off', () => {
  it('is incomplete at every place before its closing boundary is complete', () => {
    const body = formBody(good, partWith('name="f"; filename="x.bin"', 'con\r\n--tent'))
    for (let length = 1; length < body.length - '\r\n'.length; length++) {
      expect(
        refusalOf(() => collect([body.subarray(0, length)])),
        `${length}`,
      ).toMatch(/^multipart_incomplete: /)
    }
  })
})
