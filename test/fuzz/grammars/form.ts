import fc from 'fast-check'
import { BOUNDARY } from '../../../packages/multipart/src/fixtures/form-body.ts'
import { mutated } from '../mutated.ts'
import { name } from './names.ts'

const quoted = name.map((text) => text.replaceAll('"', '\\"'))
const parameter = fc.oneof(
  { weight: 3, arbitrary: quoted.map((text) => `; filename="${text}"`) },
  { weight: 2, arbitrary: quoted.map((text) => `; filename*=UTF-8''${escaped(text)}`) },
  quoted.map((text) => `; filename*0="${text}"`),
  fc.constantFrom(
    '; filename=a',
    ';',
    '; filename="a"; filename="b"',
    "; filename*=latin1''a",
    '; x="y',
    '; name=file',
  ),
)
const field = fc.constantFrom(
  'file',
  'file',
  'file',
  'artifact_path',
  'sha256',
  'manifest',
  '__proto__',
  'é',
  '',
)
const line = fc.oneof(
  fc.constantFrom(
    'Content-Type: text/plain',
    'Content-Type: multipart/mixed; boundary=b',
    'Content-Transfer-Encoding: base64',
    'Content-Transfer-Encoding: binary',
    ' folded',
    'X-A',
    ': x',
    'X-A: \0',
    'Content-Disposition: form-data; name="b"',
  ),
  fc.string({ maxLength: 40 }).map((text) => `X-A: ${text}`),
)
const header = fc
  .tuple(field, fc.array(parameter, { maxLength: 2 }), fc.array(line, { maxLength: 2 }))
  .map(([of, parameters, lines]) =>
    [`Content-Disposition: form-data; name="${of}"${parameters.join('')}`, ...lines].join('\r\n'),
  )
const content = fc.oneof(
  fc.constantFrom(
    '',
    'x',
    '\r\n',
    '--',
    `\r\n--${BOUNDARY}`,
    `--${BOUNDARY}--`,
    `\r\n--${BOUNDARY}x`,
    '\r',
    '\n--',
  ),
  name,
  fc.string({ maxLength: 200 }),
)
const part = fc.tuple(header, content).map(([head, body]) => `--${BOUNDARY}\r\n${head}\r\n\r\n${body}\r\n`)

/** The body of a form between delimiters of `BOUNDARY`. */
export const formBody: fc.Arbitrary<Buffer> = mutated(
  fc
    .tuple(
      fc.constantFrom('', '', '', 'preamble\r\n', '\r\n'),
      fc.array(part, { maxLength: 4 }),
      fc.constantFrom(
        `--${BOUNDARY}--\r\n`,
        `--${BOUNDARY}--\r\n`,
        `--${BOUNDARY}--`,
        `--${BOUNDARY}--\r\nmore`,
        '',
      ),
    )
    .map(([before, parts, end]) => Buffer.from(before + parts.join('') + end)),
  [
    '\r\n',
    '\n',
    '\r',
    `--${BOUNDARY}`,
    `--${BOUNDARY}--`,
    '--',
    '"',
    '\\',
    ';',
    ':',
    '\0',
    ' ',
    'filename*=',
  ],
)

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
