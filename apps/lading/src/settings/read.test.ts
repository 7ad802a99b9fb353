import { expect, test } from 'vitest'
import { readSettings } from './read.ts'
import { SettingsError } from './settings-error.ts'
import { SETTINGS, type Setting } from './table.ts'

test('without a single variable every setting has its default', () => {
  const settings: Record<string, unknown> = readSettings({})
  for (const [name, setting] of Object.entries(SETTINGS)) {
    expect(settings[name], name).toBe('fallback' in setting ? setting.fallback : undefined)
  }
  expect(Object.keys(settings).sort()).toEqual(Object.keys(SETTINGS).sort())
})

test('every default can be written as the docs write it', () => {
  const written = new Map<string, string>()
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    if (setting.fallback === undefined) continue
    written.set(name, (setting.kind.format ?? String)(setting.fallback))
  }
  expect(readSettings(Object.fromEntries(written))).toEqual(readSettings({}))
  expect(written.get('LADING_SPOOL_LOW_WATER')).toBe('1GiB')
  expect(written.get('S3_REQUEST_TIMEOUT')).toBe('30s')
})

test('a variable sets its setting, blanks around the value aside', () => {
  const settings = readSettings({ LADING_PORT: ' 9000 ', S3_REQUEST_TIMEOUT: '5s' })
  expect(settings).toMatchObject({ LADING_PORT: 9000, S3_REQUEST_TIMEOUT: 5_000 })
})

test('an empty variable is as if it were not there', () => {
  expect(readSettings({ LADING_PORT: '', DATABASE_URL: '  ' })).toMatchObject({
    LADING_PORT: 8080,
    DATABASE_URL: undefined,
  })
})

test('an empty default tenant means that there is none', () => {
  expect(readSettings({}).LADING_DEFAULT_TENANT).toBe('default')
  expect(readSettings({ LADING_DEFAULT_TENANT: '' }).LADING_DEFAULT_TENANT).toBeUndefined()
})

test('a name that is almost a setting stops the start, and the setting that was meant is named', () => {
  expect(faultsOf({ LADING_PROT: '8080', S3_BUKCET: 'artifacts' })).toEqual([
    'LADING_PROT: there is no such setting; did you mean LADING_PORT?',
    'S3_BUKCET: there is no such setting; did you mean S3_BUCKET?',
  ])
})

test('a name that is like no setting is refused without a guess', () => {
  expect(faultsOf({ LADING_FLUX_CAPACITOR: 'on' })).toEqual([
    'LADING_FLUX_CAPACITOR: there is no such setting',
  ])
})

test('whoever gives credentials by a name that does not exist is told those that do', () => {
  expect(faultsOf({ S3_ACCESS_KEY_ID: 'mine', S3_SECRET_ACCESS_KEY: 'hush' })).toEqual([
    'S3_ACCESS_KEY_ID: there is no such setting; credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    'S3_SECRET_ACCESS_KEY: there is no such setting; credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ])
})

test('variables of others, and those of the tests, are none of its business', () => {
  expect(
    faultsOf({ PATH: '/bin', AWS_REGION: 'eu-central-1', LADING_TEST_S3_ENDPOINT: 'http://s3' }),
  ).toEqual([])
})

test('everything that is wrong is said at once, a line each', () => {
  const error = errorOf({
    LADING_PORT: '80 80',
    LADING_LEASE: '30',
    S3_ENDPOINT: 's3.local',
    LADING_SLOT: '4',
  })
  expect(error?.faults).toEqual([
    'LADING_SLOT: there is no such setting; did you mean LADING_SLOTS?',
    'S3_ENDPOINT: "s3.local" must be a URL that begins with http:// or https://',
    'LADING_PORT: "80 80" must be a TCP port, 0 to 65535',
    'LADING_LEASE: "30" must be a time, such as 500ms, 30s, 15m or 24h',
  ])
  expect(error?.message.split('\n')).toHaveLength(5)
})

test('a secret is not repeated in the error', () => {
  const faults = faultsOf({ DATABASE_URL: 'mysql://root:hunter2@db/x', REDIS_URL: 'hunter3@cache' })
  expect(faults).toHaveLength(2)
  expect(faults.join()).not.toMatch(/hunter/)
  expect(faults[0]).toBe(
    'DATABASE_URL: its value must be a URL that begins with postgres:// or postgresql://',
  )
})

function faultsOf(environment: Record<string, string>): readonly string[] {
  return errorOf(environment)?.faults ?? []
}

function errorOf(environment: Record<string, string>): SettingsError | undefined {
  try {
    readSettings(environment)
    return undefined
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
}
