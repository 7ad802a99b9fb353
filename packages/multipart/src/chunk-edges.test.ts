import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Collector, collect } from './fixtures/collect.ts'
import { BOUNDARY, everySplit, formBody, partWith, splitAt } from './fixtures/form-body.ts'
import { DEFAULT_MULTIPART_LIMITS } from './limits.ts'
import { MultipartParser } from './parser.ts'

const DELIMITER = `\r\n--${BOUNDARY}`

const LOOK_ALIKES = [
  ...Array.from(DELIMITER, (_, length) => DELIMITER.slice(0, length).repeat(3)),
  '\r\r\n--',
  `\r${DELIMITER.slice(0, -1)}`,
  `\r\n${DELIMITER.slice(0, -1)}\r\n`,
  `\r\n-${DELIMITER.slice(0, -1)}`,
  `--${BOUNDARY.slice(0, -1)}`,
  `--${BOUNDARY.slice(0, -1)}x`,
  `x--${BOUNDARY}`,
  `\n--${BOUNDARY}--`,
  `\r--${BOUNDARY}--`,
  `\r\n-- ${BOUNDARY}`,
  `\r\n${BOUNDARY}\r\n--${BOUNDARY.toLowerCase()}\r\n`,
  '\r\n'.repeat(20),
  '\r'.repeat(40),
  '\r\n--'.repeat(10),
]

describe('Content that looks like a boundary', () => {
  it.each(LOOK_ALIKES)('is kept byte for byte wherever it is cut: %j', (content) => {
    const body = formBody(partWith('name="f"; filename="f"', content), partWith('name="g"', content))
    for (const chunks of everySplit(body)) {
      expect(collect(chunks).map((part) => part.content.toString())).toEqual([content, content])
    }
  })

  it('is kept when it is cut at any two places', () => {
    const content = `\r\r\n--${BOUNDARY.slice(0, -2)}\r\n--${BOUNDARY.slice(0, -1)}\r`
    const body = formBody(partWith('name=f', content))
    for (let first = 1; first < body.length; first++) {
      for (let second = first; second < body.length; second++) {
        expect(collect(splitAt(body, first, second))[0]?.content.toString()).toBe(content)
      }
    }
  })
})

describe('Between two writes', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom('\r', '\n', '\r\n', '\r\n--', '-', DELIMITER.slice(0, -1), 'x'),
      fc.string({ unit: 'binary-ascii', maxLength: 100 }),
    ),
    { minLength: 1, maxLength: 30 },
  )

  it('the parser holds back fewer bytes of a content than its delimiter has, and only if they may begin one', () => {
    fc.assert(
      fc.property(pieces, (chunks) => {
        const content = chunks.join('')
        fc.pre(!`\r\n${content}`.includes(DELIMITER))
        const collector = new Collector()
        const parser = new MultipartParser(BOUNDARY, collector, DEFAULT_MULTIPART_LIMITS)
        parser.write(Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name=f\r\n\r\n`))
        let written = ''
        for (const chunk of chunks) {
          parser.write(Buffer.from(chunk, 'latin1'))
          written += chunk
          const held = written.slice(collector.bytes)
          // The content's own beginning may be held as well: there the delimiter needs no CRLF of its own.
          expect(
            DELIMITER.startsWith(held) ||
              (collector.bytes === 0 && DELIMITER.endsWith(held, 2 + held.length)),
          ).toBe(true)
          expect(held.length).toBeLessThan(DELIMITER.length)
        }
      }),
    )
  })

  it('content has been passed on as slices of the very chunks, not as copies', () => {
    const content = Buffer.alloc(1 << 20, 'line\r\n--')
    const body = formBody(partWith('name="f"; filename="f"', content))
    const chunks = Array.from({ length: Math.ceil(body.length / 65_536) }, (_, index) =>
      body.subarray(index * 65_536, (index + 1) * 65_536),
    )
    const collector = new Collector()
    const parser = new MultipartParser(BOUNDARY, collector, DEFAULT_MULTIPART_LIMITS)
    for (const chunk of chunks) parser.write(chunk)
    parser.end()
    expect(collector.parts[0]?.content.equals(content)).toBe(true)
    const copied = collector.slices.filter((slice) => slice.buffer !== body.buffer)
    expect(copied.length).toBeLessThanOrEqual(chunks.length)
    for (const slice of copied) expect(slice.length).toBeLessThan(DELIMITER.length)
  })
})
