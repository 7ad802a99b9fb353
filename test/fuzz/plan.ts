import { join } from 'node:path'

export interface FuzzPlan {
  readonly seed: number
  /** Inputs at most. */
  readonly runs: number
  readonly milliseconds: number | undefined
  /** File that holds the input under way, for what ends the process or never ends. */
  readonly lastInput: string | undefined
  readonly keepsFailures: boolean
  /** Milliseconds after which it hangs. */
  readonly timeout: number
}

/** Inputs of the short run: as many as take a few seconds. The server is asked over TCP and looked through after each. */
const SHORT = {
  form: 300,
  tar: 300,
  zip: 1000,
  path: 5000,
  location: 3000,
  requests: 200,
  framing: 100,
} as const

export type TargetName = keyof typeof SHORT
export const TARGETS = Object.keys(SHORT) as TargetName[]

/**
 * The short run, of `npm test`, has the same inputs each time, so that a change is what fails it. The long one, by
 * `npm run fuzz`, gets its seed and share of the time from the environment that `main.ts` sets.
 */
export function plan(target: TargetName): FuzzPlan {
  const { LADING_FUZZ_MS: time, LADING_FUZZ_SEED: seed, LADING_FUZZ_FOLDER: folder } = process.env
  const runs = SHORT[target]
  if (time === undefined) {
    return {
      seed: 1,
      runs,
      milliseconds: undefined,
      lastInput: undefined,
      keepsFailures: false,
      timeout: 120_000,
    }
  }
  return {
    seed: Number(seed),
    runs: Number.MAX_SAFE_INTEGER,
    milliseconds: Number(time),
    lastInput: join(folder ?? '.', `${target}.last`),
    keepsFailures: true,
    // Finding the smallest input that fails takes its time, too.
    timeout: Number(time) + 300_000,
  }
}
