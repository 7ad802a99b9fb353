import type { Config } from './config.ts'
import { SettingsError } from './settings/settings-error.ts'

/** The database of a command that does not embed one. */
export function databaseUrlOf(config: Config, command: string): string {
  if (config.databaseUrl === undefined) {
    throw new SettingsError([
      `DATABASE_URL: must be set for "lading ${command}"; only "lading up" runs a PostgreSQL of its own`,
    ])
  }
  return config.databaseUrl
}
