import { expect, test } from 'vitest'
import {
  bearerToken,
  bytes,
  claim,
  duration,
  issuer,
  type Kind,
  oneOf,
  origins,
  port,
  secrets,
  someOf,
  tenant,
  text,
  url,
  whole,
  yesOrNo,
} from './kinds.ts'

const KIB = 2 ** 10

const TAKEN: readonly [string, Kind<unknown>, string, unknown][] = [
  ['a text', text, 'anything at all', 'anything at all'],
  ['a port', port, '8080', 8080],
  ['a port', port, '0', 0],
  ['a port', port, '65535', 65_535],
  ['a whole number', whole(1, 10), '1', 1],
  ['a whole number', whole(1, 10), '10', 10],
  ['a size', bytes, '0', 0],
  ['a size', bytes, '1048576', KIB ** 2],
  ['a size', bytes, '3KiB', 3 * KIB],
  ['a size', bytes, '512MiB', 512 * KIB ** 2],
  ['a size', bytes, '2GiB', 2 * KIB ** 3],
  ['a size', bytes, '1TiB', KIB ** 4],
  ['a time', duration(), '0s', 0],
  ['a time', duration(), '500ms', 500],
  ['a time', duration(), '30s', 30_000],
  ['a time', duration(), '15m', 900_000],
  ['a time', duration(), '24h', 86_400_000],
  ['a time', duration(), '7d', 604_800_000],
  ['a time', duration({ leastMs: 100 }), '100ms', 100],
  ['yes or no', yesOrNo, 'true', true],
  ['yes or no', yesOrNo, 'false', false],
  ['a choice', oneOf('info', 'warn'), 'warn', 'warn'],
  ['a URL', url('redis:', 'rediss:'), 'rediss://cache:6380', 'rediss://cache:6380'],
  ['a time', duration({ mostMs: 300_000 }), '5m', 300_000],
  ['a claim', claim, 'https://example/tenant', 'https://example/tenant'],
  ['an issuer', issuer, 'https://login.example/realms/ml', 'https://login.example/realms/ml'],
  ['an issuer', issuer, 'http://[::1]:9000', 'http://[::1]:9000'],
  ['a bearer token', bearerToken, 'scrape.0123456789==', 'scrape.0123456789=='],
  ['origins', origins, 'https://a.test, http://b:3000', ['https://a.test', 'http://b:3000']],
  ['a tenant', tenant, 'acme-corp', 'acme-corp'],
  ['a tenant', tenant, '', undefined],
]

test.each(TAKEN)('%s may be given as %3$j', (_, kind, given, value) => {
  expect(kind.parse(given)).toEqual(value)
})

const REFUSED: readonly [string, Kind<unknown>, string, RegExp][] = [
  ['a port', port, '65536', /0 to 65535/],
  ['a port', port, '-1', /0 to 65535/],
  ['a port', port, '80.5', /0 to 65535/],
  ['a port', port, '0x50', /0 to 65535/],
  ['a port', port, 'http', /0 to 65535/],
  ['a whole number', whole(1, 10), '0', /from 1 to 10/],
  ['a whole number', whole(1, 10), '11', /from 1 to 10/],
  ['a whole number', whole(1, 10), '1e1', /from 1 to 10/],
  ['a size', bytes, '-1', /such as 1048576/],
  ['a size', bytes, '1.5GiB', /such as 1048576/],
  ['a size', bytes, '512MB', /such as 1048576/],
  ['a size', bytes, '512mib', /such as 1048576/],
  ['a size', bytes, '512 MiB', /such as 1048576/],
  ['a size', bytes, '9007199254740992', /such as 1048576/],
  ['a time', duration(), '30', /such as 500ms/],
  ['a time', duration(), '30 s', /such as 500ms/],
  ['a time', duration(), '1.5h', /such as 500ms/],
  ['a time', duration(), '1w', /such as 500ms/],
  ['a time', duration(), '25d', /at most 24d/],
  ['a time', duration({ leastMs: 100 }), '99ms', /at least 100ms/],
  ['yes or no', yesOrNo, 'yes', /true or false/],
  ['yes or no', yesOrNo, '1', /true or false/],
  ['a choice', oneOf('info', 'warn'), 'INFO', /one of info, warn/],
  ['a URL', url('redis:', 'rediss:'), 'http://cache', /redis:\/\/ or rediss:\/\//],
  ['a URL', url('redis:'), 'cache:6379', /begins with redis:\/\//],
  ['a URL', url('http:', 'https:'), '', /http:\/\/ or https:\/\//],
  ['a time', duration({ mostMs: 300_000 }), '301s', /at most 5m/],
  ['several', someOf(['a', 'b']), 'a,c', /must be of a, b/],
  ['several', someOf(['a', 'b']), 'a,', /must be of a, b/],
  ['a claim', claim, 'two words', /without blanks/],
  ['an issuer', issuer, 'http://login.example', /https:/],
  ['an issuer', issuer, 'http://127.0.0.1.example', /https:/],
  ['an issuer', issuer, 'https://login.example/?x=1', /no query/],
  ['an issuer', issuer, 'https://me@login.example', /or user/],
  ['secrets', secrets, 'x'.repeat(31), /at least 32/],
  ['secrets', secrets, `${'x'.repeat(32)},`, /at least 32/],
  ['a bearer token', bearerToken, '0123456789abcde', /at least 16/],
  ['a bearer token', bearerToken, '01234567 9abcdef', /at least 16/],
  ['origins', origins, '*', /must name each origin/],
  ['origins', origins, 'ml.example.com', /such as https:/],
  ['origins', origins, 'https://a.test,', /such as https:/],
  ['origins', origins, 'file:///srv', /such as https:/],
  ['origins', origins, 'null', /such as https:/],
  ['origins', origins, 'https://a.test/', /write https:\/\/a\.test$/],
  ['origins', origins, 'https://a.test:443', /write https:\/\/a\.test$/],
  ['origins', origins, 'https://me:secret@A.test/app', /write https:\/\/a\.test$/],
  ['a tenant', tenant, 'acme corp', /1 to 64/],
  ['a tenant', tenant, '-acme', /1 to 64/],
  ['a tenant', tenant, 'a'.repeat(65), /1 to 64/],
]

test.each(REFUSED)('%s is not %3$j, and the error says what would be right', (_, kind, given, sentence) => {
  expect(() => kind.parse(given)).toThrow(sentence)
})

test('several values may have blanks around them', () => {
  expect(secrets.parse(`${'x'.repeat(32)}, ${'y'.repeat(40)}`)).toEqual(['x'.repeat(32), 'y'.repeat(40)])
  expect(someOf(['a', 'b', 'c']).parse('c, a')).toEqual(['c', 'a'])
})
