import { posix, win32 } from 'node:path'
import { LadingError } from '@lading/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeUrlPath,
  isUnder,
  joinArtifactPath,
  parseArtifactPath,
  parseListPrefix,
} from './artifact-path.ts'

const REFUSED: [reason: string, path: string][] = [
  ['the empty path', ''],
  ['a parent segment', '../x'],
  ['a parent segment inside', 'a/../x'],
  ['a parent segment at the end', 'a/..'],
  ['a dot segment', './x'],
  ['a dot segment inside', 'a/./y'],
  ['an empty segment', 'a//z.txt'],
  ['a slash at the end', 'trail/'],
  ['an absolute path', '/etc/passwd'],
  ['a network path', '//etc/passwd'],
  ['a file URI', 'file:///etc/x'],
  ['an S3 URI', 's3://bucket/x'],
  ['a Windows parent segment', '..\\x'],
  ['a UNC path', '\\\\server\\share\\x'],
  ['a backslash', 'a\\b.txt'],
  ['a drive letter', 'C:/x'],
  ['a relative drive letter', 'c:x'],
  ['NUL', 'a\0b'],
  ['CR', 'a\rb'],
  ['LF', 'a\nb'],
  ['TAB', 'a\tb'],
  ['escape', 'a\x1b[31mb'],
  ['DEL', 'a\x7fb'],
  ['a C1 control', 'a\x85b'],
  ['a right-to-left override', 'gpj.\u202elkp'],
  ['a right-to-left mark', 'a\u200fb'],
  ['an Arabic letter mark', 'a\u061cb'],
  ['a bidi isolate', 'a\u2066b'],
  ['a zero-width space', 'model\u200b.pkl'],
  ['a zero-width joiner', 'a\u200db'],
  ['a word joiner', 'a\u2060b'],
  ['a soft hyphen', 'a\u00adb'],
  ['a byte order mark', '\ufeffa'],
  ['a line separator', 'a\u2028b'],
  ['a tag character', 'a\u{e0041}b'],
  ['a code point that XML cannot carry', 'a\uffffb'],
  ['a lone high surrogate', 'a\ud800b'],
  ['a lone low surrogate', 'a\udc00b'],
  ['a scheme', 'file:/etc/passwd'],
  ['an empty scheme', ':/etc/passwd'],
  ['a trailing dot', 'v1.'],
  ['a trailing dot inside', 'v1./a'],
  ['three dots', '...'],
  ['a climb on Windows', 'a/.. .'],
  ['a parameter', 'a;b.txt'],
  ['a parameter behind a parent segment', '..;/x'],
  ['an encoded parameter', 'a%3Bb'],
  ['a fragment', 'a#b.txt'],
  ['a query', 'a?b.txt'],
  ['an encoded parent segment', '%2e%2e/x'],
  ['an encoded separator', 'a%2Fb'],
  ['an encoded backslash', '..%5Cx'],
  ['an encoded dot beside a dot', '.%2E/x'],
  ['an encoded NUL', 'a%00b'],
  ['an encoded line feed', 'a%0Ab'],
  ['an encoded C1 control', 'a%C2%85b'],
  ['an encoded fragment', 'a%23b'],
  ['a parent segment encoded twice', '%252e%252e%252fx'],
  ['a parent segment encoded three times', '%25252e%25252e/x'],
  ['a dot whose escape is escaped digit by digit', '%25%32%65%25%32%65/x'],
  ['a dot whose escape comes about on the way', '%2%35%32e'],
  ['a leading space', ' a'],
  ['a trailing space', 'dir /a'],
  ['a trailing no-break space', 'a\u00a0'],
  ['a segment of 256 bytes', 'x'.repeat(256)],
  ['a segment of 256 bytes in UTF-8', 'é'.repeat(128)],
  ['a path of 1,025 bytes', `${'x/'.repeat(512)}x`],
  ['65 segments', `${'x/'.repeat(64)}x`],
]

const KEPT = [
  'model.pkl',
  'models/model.pkl',
  'a b.txt',
  '100%.txt',
  'a%20b',
  'a%25b.txt',
  'a%zz',
  '.hidden',
  'a..b',
  '...a',
  'loss:train.png',
  '+&=:@\'"*|<>[]{}~!',
  'x/C:',
  '__proto__',
  'é.txt',
  'e\u0301.txt',
  'модель/模型/モデル/نموذج/नमूना.pkl',
  '📈.png',
  '❤️.png',
  'x'.repeat(255),
  `${'x/'.repeat(63)}x`,
  `${'x'.repeat(255)}/${'x'.repeat(255)}/${'x'.repeat(255)}/${'x'.repeat(256 - 1)}x`.slice(0, 1023),
]

function pathInvalid(action: () => unknown): LadingError {
  try {
    action()
  } catch (error) {
    if (error instanceof LadingError && error.code === 'path_invalid') return error
    throw error
  }
  throw new Error('the path was not refused')
}

describe('an artifact path', () => {
  test.each(REFUSED)('refuses %s', (_reason, path) => {
    const { detail } = pathInvalid(() => parseArtifactPath(path))
    expect(detail).toMatch(/^path: /)
    expect(detail).toMatch(/^[\x20-\x7e\xa0-\xac\xae-\xff…]*$/)
  })

  test.each(KEPT)('keeps %j as it was given', (path) => {
    expect(parseArtifactPath(path)).toBe(path)
    expect(decodeUrlPath(path.split('/').map(encodeURIComponent).join('/'))).toBe(path)
    expect(decodeUrlPath(encodeURIComponent(path))).toBe(path)
  })

  test('names the segment, the reason and the limit when it refuses', () => {
    expect(pathInvalid(() => parseArtifactPath('a/\u202eb')).detail).toBe(
      'path: segment "\\u{202e}b" holds U+202E, a control or invisible character',
    )
    const long = pathInvalid(() => parseArtifactPath('x'.repeat(300))).detail
    expect(long).toBe(`path: segment "${'x'.repeat(80)}…" has 300 bytes of UTF-8; the limit is 255`)
    expect(pathInvalid(() => parseArtifactPath('x/'.repeat(600))).detail).toContain('the limit is 1024')
    expect(pathInvalid(() => parseArtifactPath('x/'.repeat(70))).detail).toContain('the limit is 64')
  })

  test('either is refused or stays where it is, below the root, on POSIX and on Windows', () => {
    const tricky = fc.constantFrom(
      '.',
      '..',
      '/',
      '\\',
      '%2e',
      '%2F',
      '%',
      'C:',
      '~',
      ' ',
      '\0',
      '#',
      '\u202e',
    )
    const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: tricky }), fc.string())
    fc.assert(
      fc.property(any, (raw) => {
        let path: string
        try {
          path = parseArtifactPath(raw)
        } catch (error) {
          expect(error).toMatchObject({ name: 'LadingError', code: 'path_invalid' })
          return
        }
        expect(path).toBe(raw)
        expect(posix.normalize(path)).toBe(path)
        expect(posix.resolve('/root', path)).toBe(`/root/${path}`)
        expect(win32.resolve('C:\\root', path).startsWith('C:\\root\\')).toBe(true)
        expect(Buffer.from(path).toString()).toBe(path)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('an artifact path in a URL', () => {
  test.each([
    '..%2fx',
    '%2e%2e/x',
    '%252e%252e%252fx',
    '%2%0952e%2%0952e/x',
    'a%23b',
    'a%2523b',
    '..%5cx',
    'C:%5cx',
    '%2fetc/passwd',
    's3:%2f%2fb%2fx',
    'a%00b',
    'a%0ab',
    '%ff',
    '%c0%ae%c0%ae/x',
    '..%c0%afx',
    '%ed%a0%80',
    '100%',
    'a%4',
    'caf\xe9',
    'trail/',
    'a//b',
  ])('is refused as %s', (raw) => {
    pathInvalid(() => decodeUrlPath(raw))
  })

  test.each([
    ['a%2525b.txt', 'a%25b.txt'],
    ['a%2520b', 'a%20b'],
    ['a+b', 'a+b'],
    ['caf%C3%A9', 'café'],
    ['models%2Fmodel.pkl', 'models/model.pkl'],
  ])('is decoded exactly once: %s is %s', (raw, path) => {
    expect(decodeUrlPath(raw)).toBe(path)
  })

  test('never fails with anything but path_invalid, whatever it holds', () => {
    const unit = fc.constantFrom('%', '2', 'e', 'f', 'c', '0', '.', '/', 'a', '\xff', '\u{1f600}')
    fc.assert(
      fc.property(fc.string({ unit }), (raw) => {
        try {
          const path = decodeUrlPath(raw)
          expect(posix.resolve('/root', path)).toBe(`/root/${path}`)
        } catch (error) {
          expect(error).toMatchObject({ name: 'LadingError', code: 'path_invalid' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe("the form's artifact_path and filename", () => {
  test.each([
    ['models/', 'model.pkl', 'models/model.pkl'],
    ['models', 'model.pkl', 'models/model.pkl'],
    ['', 'model.pkl', 'model.pkl'],
    [undefined, 'model.pkl', 'model.pkl'],
    ['a/b', 'sub/dir/x.png', 'a/b/sub/dir/x.png'],
  ])('%j and %j make %s', (directory, filename, path) => {
    expect(joinArtifactPath(directory, filename)).toBe(path)
  })

  test.each([
    ['/models', 'x', 'artifact_path'],
    ['/', 'x', 'artifact_path'],
    ['models//', 'x', 'artifact_path'],
    ['..', 'x', 'artifact_path'],
    ['.', 'x', 'artifact_path'],
    ['C:', 'x', 'artifact_path'],
    ['models', '/etc/passwd', 'filename'],
    ['models', 'C:/x', 'filename'],
    ['models', 'C:\\Users\\x', 'filename'],
    ['models', '../x', 'filename'],
    ['models', 'dir/', 'filename'],
    ['models', '', 'filename'],
    ['x/'.repeat(40), 'x/'.repeat(30).concat('x'), 'artifact_path with filename'],
  ])('%j and %j are refused, and %s is named', (directory, filename, field) => {
    const { detail } = pathInvalid(() => joinArtifactPath(directory, filename))
    expect(detail.startsWith(`${field}: `)).toBe(true)
  })
})

describe('a directory to list', () => {
  test('is the root when empty, and may end with one slash', () => {
    expect(parseListPrefix('')).toBe('')
    expect(parseListPrefix('models')).toBe('models')
    expect(parseListPrefix('models/a/')).toBe('models/a')
  })

  test.each(['/', '../', '/etc', '%252e%252e', 'a//', '.'])('is refused as %s', (raw) => {
    pathInvalid(() => parseListPrefix(raw))
  })

  test('holds the paths below it, and not its namesakes or itself', () => {
    const models = parseListPrefix('models/')
    expect(isUnder(models, parseArtifactPath('models/a/b'))).toBe(true)
    expect(isUnder(models, parseArtifactPath('models-evil/a'))).toBe(false)
    expect(isUnder(models, parseArtifactPath('models'))).toBe(false)
    expect(isUnder('', parseArtifactPath('models'))).toBe(true)
  })
})
