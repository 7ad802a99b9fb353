import type { Config } from '../config.ts'
import { readConnection } from '../connection.ts'
import type { Environment } from '../environment.ts'
import { SettingsError } from '../settings/settings-error.ts'
import { type Finding, fail, skip } from './finding.ts'
import { examineNode } from './node.ts'
import type { Part } from './parts.ts'
import { examineServer } from './server.ts'
import { faultsOf } from './setting-faults.ts'

/** Looks at each part, one after the other; what one meets is no other's trouble. Changes nothing but what it clears up. */
export async function* examine(
  parts: readonly Part[],
  environment: Environment,
  options: { readonly url?: string; readonly tenant?: string },
): AsyncGenerator<Finding> {
  for (const part of parts) {
    try {
      yield* await examinePart(part, environment, options)
    } catch (error) {
      const faults = error instanceof SettingsError ? error.faults : [String(error)]
      yield* faults.map((fault) => fail(part, fault, 'This is not foreseen: please report it.'))
    }
  }
}

async function examinePart(
  part: Part,
  environment: Environment,
  options: { readonly url?: string; readonly tenant?: string },
): Promise<Finding[]> {
  if (part === 'node') return await examineNode()
  if (part === 'server') return await examineServer(readConnection(environment, options))
  const config = await configOf(environment)
  if (!(config instanceof SettingsError)) return await (await OF_A_SERVER[part]())(config)
  return part === 'settings' ? faultsOf(config.faults) : [skip(part, 'the settings are not valid')]
}

/** Loaded when they are looked at: they bring all that a server is made of. */
const OF_A_SERVER = {
  settings: async () => (await import('./settings.ts')).examineSettings,
  postgres: async () => (await import('./postgres.ts')).examinePostgres,
  redis: async () => (await import('./redis.ts')).examineRedis,
  store: async () => (await import('./store.ts')).examineStore,
  spool: async () => (await import('./spool.ts')).examineSpool,
  clocks: async () => (await import('./clocks.ts')).examineClocks,
  ports: async () => (await import('./ports.ts')).examinePorts,
} as const satisfies Record<Exclude<Part, 'node' | 'server'>, () => Promise<Examination>>

type Examination = (config: Config) => Promise<Finding[]>

async function configOf(environment: Environment): Promise<Config | SettingsError> {
  const { readConfig } = await import('../config.ts')
  try {
    return readConfig(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error
    throw error
  }
}
