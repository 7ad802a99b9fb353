import { expect, test } from 'vitest'
import { readAudit } from './read-audit.ts'

const ADVISORY = { title: 'Prototype pollution', url: 'https://github.com/advisories/GHSA-x' }

function report(...severities: string[]): string {
  const vulnerabilities = Object.fromEntries(
    severities.map((severity) => [`of-${severity}`, { severity, range: '<2', via: [ADVISORY] }]),
  )
  return JSON.stringify({ vulnerabilities, metadata: { dependencies: { prod: 7 } } })
}

test('no holes, and small ones, let it pass', () => {
  expect(readAudit(report(), '')).toMatchObject({ outcome: 'sound' })
  const { outcome, lines } = readAudit(report('low', 'moderate'), '')
  expect(outcome).toBe('sound')
  expect(lines.at(-1)).toBe('7 packages of production: 0 with grave holes, 2 with others')
})

test.each(['high', 'critical'])('a %s hole fails it, by its name and advisory', (severity) => {
  const { outcome, lines } = readAudit(report('low', severity), '')
  expect(outcome).toBe('holes')
  expect(lines).toContain(
    `${severity}: of-${severity} <2: Prototype pollution (https://github.com/advisories/GHSA-x)`,
  )
})

test.each([
  [
    'npm has no network',
    '{"message":"request to https://x failed","error":{"summary":"","detail":""}}',
    /request to/,
  ],
  [
    'the registry takes no audits',
    '{"error":{"code":"ENOAUDIT","summary":"no such thing here"}}',
    /no such thing/,
  ],
  ['npm could not be run', '', /npm: command not found/],
  ['what came is no report', '<html>', /npm: command not found/],
  ['what came is a number', '7', /npm: command not found/],
])('where %s, it says why, and that nothing is known', (_what, stdout, why) => {
  const { outcome, lines } = readAudit(stdout, 'npm: command not found\n')
  expect(outcome).toBe('unanswered')
  expect(lines.join()).toMatch(why)
})
