import { LadingError } from '@lading/protocol'
import { describe, expect, it } from 'vitest'
import { Collector, collect, refusalOf } from './fixtures/collect.ts'
import { BOUNDARY, everySplit, formBody, partWith } from './fixtures/form-body.ts'
import { DEFAULT_MULTIPART_LIMITS } from './limits.ts'
import { MultipartParser } from './parser.ts'

const filenameOf = (parameters: string) =>
  collect([formBody(partWith(`name="f"; ${parameters}`))])[0]?.filename
const shown = (chunks: Buffer[]) =>
  collect(chunks).map(({ content, ...header }) => ({ ...header, content: content.toString() }))

describe('A form', () => {
  it('gives its fields and files in order, wherever it is cut', () => {
    const body = formBody(
      partWith('name="artifact_path"', 'models/'),
      partWith('name=file; filename="dir/model.pkl"', 'a\r\nb', 'Content-Type: Application/Octet-Stream'),
      partWith('name="file"; filename="t.txt"', '', 'Content-Type: text/plain; charset=latin1'),
    )
    for (const chunks of everySplit(body)) {
      expect(shown(chunks)).toEqual([
        { name: 'artifact_path', filename: undefined, contentType: undefined, content: 'models/' },
        {
          name: 'file',
          filename: 'dir/model.pkl',
          contentType: 'application/octet-stream',
          content: 'a\r\nb',
        },
        { name: 'file', filename: 't.txt', contentType: 'text/plain', content: '' },
      ])
    }
  })

  it('may have no part: that is for the caller to judge', () => {
    expect(collect([Buffer.from(`--${BOUNDARY}--`)])).toEqual([])
    expect(collect([Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])).toEqual([])
  })

  it('may have a short preamble and padding after its boundaries (RFC 2046, 5.1.1)', () => {
    const body = Buffer.from(
      `a preamble --${BOUNDARY}\r\n--${BOUNDARY} \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--${BOUNDARY}-- \t\r\n`,
    )
    for (const chunks of everySplit(body)) expect(shown(chunks)).toMatchObject([{ name: 'a', content: 'x' }])
  })

  it('may have a part whose empty line ends in the boundary: it is empty (RFC 2046, 5.1.1)', () => {
    const body = Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n--${BOUNDARY}--\r\n`,
    )
    for (const chunks of everySplit(body)) expect(shown(chunks)).toMatchObject([{ name: 'a', content: '' }])
  })

  it('may fold header lines (RFC 5322, 2.2.3) and have headers that mean nothing here (RFC 7578, 4.8)', () => {
    const body = formBody({
      header: [
        'CONTENT-DISPOSITION:form-data;',
        '\tname="a"; ',
        ' filename="b"; size=3;',
        'Content-Type: ',
        ' text/plain',
        'X-Other: 1',
        'X-Other: 2',
        'Content-Transfer-Encoding: 8BIT',
        'Content-Encoding: identity',
      ],
      content: 'x',
    })
    for (const chunks of everySplit(body)) {
      expect(shown(chunks)).toEqual([{ name: 'a', filename: 'b', contentType: 'text/plain', content: 'x' }])
    }
  })

  it('may have fields that say they are UTF-8', () => {
    const utf8 = formBody(partWith('name="a"', 'ü', 'Content-Type: text/plain; charset="UTF-8"'))
    expect(shown([utf8])).toMatchObject([{ contentType: 'text/plain', content: 'ü' }])
  })

  it('may use every character that RFC 2046 allows in a boundary', () => {
    const boundary = `'()+_,-./:=? ${'9'.repeat(56)}z`
    const body = Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name=a\r\n\r\n-\r\n--${boundary}--\r\n`,
    )
    expect(collect([body], {}, boundary)).toMatchObject([{ name: 'a' }])
    expect(refusalOf(() => collect([], {}, 'a\r\nb'))).toMatch(/^multipart_boundary_invalid: /)
  })
})

describe('A filename', () => {
  it.each([
    ['keeps its directories', 'filename="a/b/../c.txt"', 'a/b/../c.txt'],
    ['may be a token', 'filename=model.pkl', 'model.pkl'],
    ['is read as UTF-8', 'filename="Ünïcødé 😀.txt"', 'Ünïcødé 😀.txt'],
    ['keeps a byte order mark', 'filename="\ufeffa"', '\ufeffa'],
    ['keeps a semicolon in quotes', 'filename="a;name=b"', 'a;name=b'],
    ['unescapes a quote and a backslash', String.raw`filename="a\"b\\c"`, String.raw`a"b\c`],
    [
      'keeps a backslash before anything else',
      String.raw`filename="C:\dir\new.txt"`,
      String.raw`C:\dir\new.txt`,
    ],
    [
      'is not percent-decoded, as a browser encodes only quotes and line breaks',
      'filename="a%22b%0D%2e"',
      'a%22b%0D%2e',
    ],
    ['may be empty, as for a form whose file was not chosen', 'filename=""', ''],
    ['may be given as filename* in UTF-8', "filename*=utf-8'en'%e2%82%ac%20rates", '€ rates'],
    ['may be given as filename* in ISO-8859-1', "filename*=ISO-8859-1''%A3%20rates", '£ rates'],
    ['keeps a byte order mark that begins filename*', "filename*=UTF-8''%EF%BB%BFa", '\ufeffa'],
    ['may be given both ways, if alike', 'filename="€"; filename*=UTF-8\'\'%E2%82%AC', '€'],
  ])('%s', (_, parameters, filename) => {
    expect(filenameOf(parameters)).toBe(filename)
  })
})

describe('After an error', () => {
  const collector = () => new Collector()
  const thrownBy = (run: () => void): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    return undefined
  }

  it('every further call throws the same error, even if good bytes follow', () => {
    const parser = new MultipartParser(BOUNDARY, collector(), DEFAULT_MULTIPART_LIMITS)
    const first = thrownBy(() => parser.write(formBody({ header: ['X: y'], content: '' })))
    expect(first).toBeInstanceOf(LadingError)
    expect(thrownBy(() => parser.write(formBody(partWith('name=a'))))).toBe(first)
    expect(thrownBy(() => parser.write(Buffer.alloc(0)))).toBe(first)
    expect(thrownBy(() => parser.end())).toBe(first)
    expect(thrownBy(() => parser.end())).toBe(first)
  })

  it.each(['partBegin', 'partData', 'partEnd'] as const)('of the handler in %s the same holds', (method) => {
    const refusal = new LadingError('unknown_field', 'The form has a field "a"')
    const handler = collector()
    handler[method] = () => {
      throw refusal
    }
    const parser = new MultipartParser(BOUNDARY, handler, DEFAULT_MULTIPART_LIMITS)
    expect(thrownBy(() => parser.write(formBody(partWith('name=a'))))).toBe(refusal)
    expect(thrownBy(() => parser.end())).toBe(refusal)
  })

  it('at the end the same holds: bytes that come too late do not complete the body', () => {
    const parser = new MultipartParser(BOUNDARY, collector(), DEFAULT_MULTIPART_LIMITS)
    const body = formBody(partWith('name=a'))
    parser.write(body.subarray(0, -6))
    const first = thrownBy(() => parser.end())
    expect(first).toMatchObject({ code: 'multipart_incomplete' })
    expect(thrownBy(() => parser.write(body.subarray(-6)))).toBe(first)
  })
})

describe('After the end', () => {
  it('the end may be told again, and bytes are refused', () => {
    const parser = new MultipartParser(BOUNDARY, new Collector(), DEFAULT_MULTIPART_LIMITS)
    parser.write(formBody(partWith('name=a')))
    parser.end()
    parser.end()
    expect(() => parser.write(Buffer.from('x'))).toThrow('write after end')
  })

  it('a part is told ended only once the boundary after it is known to be one', () => {
    const collector = new Collector()
    const parser = new MultipartParser(BOUNDARY, collector, DEFAULT_MULTIPART_LIMITS)
    parser.write(formBody(partWith('name=a')).subarray(0, -'-\r\n'.length))
    expect(collector.parts).toHaveLength(0)
    parser.write(Buffer.from('-'))
    expect(collector.parts).toHaveLength(1)
  })
})
