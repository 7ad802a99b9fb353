import busboy from 'busboy'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, refusalOf } from './fixtures/collect.ts'
import { BOUNDARY, type FormPart, formBody, partWith, splitAt } from './fixtures/form-body.ts'

/** What both parsers say of a part, with its bytes as text, one character for each. */
interface Seen {
  readonly name: string
  readonly filename: string | undefined
  readonly contentType: string
  readonly content: string
}

const DELIMITER = `\r\n--${BOUNDARY}`

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isText)
const filename = fc.oneof(
  name,
  fc.tuple(name, name).map(([a, b]) => `${a}/${b}`),
  fc.constantFrom('a"b', 'a\\b', 'a\\"', '\\'),
)
const content = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '--',
        '\r\n--',
        ...Array.from(DELIMITER, (_, end) => DELIMITER.slice(0, end)),
      ),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))
  .filter((text) => !`\r\n${text}`.includes(DELIMITER))

const part = fc
  .record({
    name,
    filename: fc.option(filename, { nil: undefined }),
    contentType: fc.constantFrom(undefined, 'text/plain', 'Application/JSON', 'image/x-y.z+w'),
    content,
  })
  .map(({ name, filename, contentType, content }): FormPart => {
    const file = filename === undefined ? '' : `; filename=${quoted(filename)}`
    const type = contentType === undefined ? [] : [`Content-Type: ${contentType}`]
    return partWith(`name=${quoted(name)}${file}`, Buffer.from(content, 'latin1'), ...type)
  })

describe('Beside busboy', () => {
  it('the same well-formed body gives the same names, filenames, types and bytes, cut anywhere', async () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), cuts, async (parts, fractions) => {
        const body = formBody(...parts)
        const places = fractions.map((fraction) => Math.floor(fraction * body.length)).sort((a, b) => a - b)
        const chunks = splitAt(body, ...places)
        const mine = collect(chunks, { nameBytes: 1000 }).map(({ content, ...header }) => ({
          ...header,
          contentType: header.contentType ?? 'text/plain',
          content: content.toString('latin1'),
        }))
        expect(mine).toEqual(await seenByBusboy(chunks))
        expect(mine).toHaveLength(parts.length)
      }),
      { numRuns: 500 },
    )
  })

  const good = partWith('name="a"')
  it.each([
    ['drops a part without a disposition', formBody(good, { header: ['X: y'], content: 'x' }), 1],
    [
      'drops a part with another disposition',
      formBody(good, { header: ['Content-Disposition: attachment; name=f'], content: 'x' }),
      1,
    ],
    ['drops a part with an unknown charset', formBody(good, partWith("name=f; filename*=UTF-16''a", 'x')), 1],
    ['passes CR LF in a filename', formBody(good, partWith("name=f; filename*=UTF-8''a%0d%0aX")), 2],
    ['takes the first of two filenames', formBody(good, partWith('name=f; filename=a; filename=b')), 2],
    ['gives a file without a name', formBody(good, partWith('filename=a')), 2],
    [
      'stores base64 undecoded',
      formBody(good, partWith('name=f; filename=a', 'eA==', 'Content-Transfer-Encoding: base64')),
      2,
    ],
    [
      'takes a preamble of any length',
      Buffer.concat([Buffer.alloc(2000, 'p'), Buffer.from('\r\n'), formBody(good)]),
      1,
    ],
    ['takes bytes after the end', Buffer.concat([formBody(good), Buffer.from('more')]), 1],
    [
      'loses content after a line that begins with the boundary',
      formBody(good, partWith('name=f; filename=a', `x${DELIMITER}y`)),
      2,
    ],
  ])('what busboy 1.6.0 lets through is refused: it %s', async (_, body, parts) => {
    expect(await seenByBusboy([body])).toHaveLength(parts)
    expect(refusalOf(() => collect([body]))).toMatch(/^multipart_(malformed|part_invalid): /)
  })
})

const RESERVED = ['__proto__', 'constructor', 'prototype']

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function isText(text: string): boolean {
  const codes = Array.from(text, (character) => character.charCodeAt(0))
  return (
    text.isWellFormed() &&
    codes.every((code) => code >= 0x20 && (code < 0x7f || code >= 0xa0)) &&
    !RESERVED.includes(text)
  )
}

/** Fields are read as ISO-8859-1 so that each byte is seen, and filenames with their directories. */
async function seenByBusboy(chunks: readonly Buffer[]): Promise<Seen[]> {
  const seen: Seen[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const parser = busboy({
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    defParamCharset: 'utf8',
    defCharset: 'latin1',
    preservePath: true,
  })
  parser.on('field', (name, content, { mimeType }) => {
    seen.push({ name, filename: undefined, contentType: mimeType, content })
  })
  parser.on('file', (name, file, info) => {
    const part = { name, filename: info.filename, contentType: info.mimeType, content: '' }
    seen.push(part)
    file.on('data', (chunk: Buffer) => {
      part.content += chunk.toString('latin1')
    })
    file.on('error', reject)
  })
  parser.on('error', reject)
  parser.on('close', resolve)
  for (const chunk of chunks) parser.write(chunk)
  parser.end()
  await promise
  return seen
}
