import type { Environment } from '../environment.ts'
import { SettingsError } from './settings-error.ts'
import { SETTINGS, type Setting, type SettingName, type Settings } from './table.ts'

/**
 * Reads the settings from the environment. All faults are reported at once, also names that begin like a setting and
 * are none: a typo must not silently become a default. An empty value is as if it were not there, except where empty
 * is a value.
 */
export function readSettings(environment: Environment): Settings {
  const faults = unknownNames(environment)
  const values: Partial<Record<SettingName, unknown>> = {}
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const setting: Setting<unknown> = SETTINGS[name]
    const text = environment[name]
    try {
      values[name] = isGiven(text, setting) ? setting.kind.parse(text.trim()) : setting.fallback
    } catch (error) {
      const shown = setting.secret ? 'its value' : JSON.stringify(text)
      faults.push(`${name}: ${shown} ${(error as Error).message}`)
    }
  }
  if (faults.length > 0) throw new SettingsError(faults)
  return values as Settings
}

function isGiven(text: string | undefined, setting: Setting<unknown>): text is string {
  return text !== undefined && (text.trim() !== '' || setting.emptyCounts === true)
}

function unknownNames(environment: Environment): string[] {
  const known = Object.keys(SETTINGS)
  return Object.keys(environment)
    .filter((name) => /^(LADING|S3)_/.test(name) && !known.includes(name) && !isOfOthers(name))
    .map((name) => `${name}: there is no such setting${hint(name, known)}`)
}

/** What clients of Lading read (packages/python/src/lading/settings.py, and the commands of users), which may share a shell with a server. */
const OF_CLIENTS = [
  'LADING_URL',
  'LADING_API_KEY',
  'LADING_TENANT',
  'LADING_RUN',
  'LADING_OUTBOX',
  'LADING_OFFLINE',
  'LADING_ON_ERROR',
  'LADING_EXIT_TIMEOUT',
  'LADING_PROGRESS',
  'LADING_CA_FILE',
  'LADING_CLIENT_CERT',
  'LADING_SENDERS',
]

function isOfOthers(name: string): boolean {
  return name.startsWith('LADING_TEST_') || OF_CLIENTS.includes(name)
}

function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  if (near !== undefined) return `; did you mean ${near}?`
  if (!/^S3_.*(KEY|SECRET|TOKEN)/.test(name)) return ''
  return '; credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .filter(({ distance }) => distance <= 4)
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/** Levenshtein's. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
