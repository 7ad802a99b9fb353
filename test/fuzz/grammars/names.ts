import fc from 'fast-check'

/** What readers of paths and URLs stumble over, and what lies between. */
const NAME_TOKENS = [
  '.',
  '..',
  '...',
  '/',
  '//',
  '\\',
  '%',
  '%2e',
  '%2E',
  '%252e',
  '%2f',
  '%5c',
  '%00',
  '%23',
  '%3b',
  '%ff',
  '%25',
  '%32',
  '%65',
  '%2',
  '2e',
  '%c0%ae',
  '#',
  '?',
  ';',
  ':',
  '@',
  '&',
  '=',
  '+',
  ' ',
  '\t',
  '\r\n',
  '\0',
  '~',
  '-',
  'C:',
  'file:',
  's3:',
  'a',
  'b.txt',
  'é',
  '\u0301',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\ud800',
  '．',
  '👍',
  'x'.repeat(130),
  "'",
  '"',
] as const

export const name: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...NAME_TOKENS), { maxLength: 8 }).map((all) => all.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'model.pkl', 'models/model.pkl', 'a/b/c', 'é/模型.bin') },
)

const bucket = fc.oneof(
  fc.constantFrom('artifacts', 'a.b-c', '127.0.0.1', 'a..b', 'A', 'x'.repeat(64), ''),
  fc.string({ maxLength: 12 }),
)

/** Of `root`, or of another place. */
export function location(root: string): fc.Arbitrary<string> {
  const start = fc.oneof(
    { weight: 6, arbitrary: fc.constant(root) },
    fc.constantFrom(
      '',
      '/',
      's3:',
      's3:/',
      's3:///',
      'S3://',
      'file://',
      'file:///',
      'https://',
      root.slice(0, -1),
    ),
  )
  return fc
    .tuple(
      start,
      bucket,
      fc.constantFrom('', '/', '//', ':80/', '@h/', '/./'),
      name,
      fc.constantFrom('', '/'),
    )
    .map((parts) => parts.join(''))
}
