import { parseArgs } from 'node:util'

export interface FaultOptions {
  readonly seed: number
  /** Cases to run, by name; empty: all. */
  readonly only: readonly string[]
  readonly list: boolean
  /** Minutes for which faults are drawn at random; undefined: each runs once. */
  readonly soakMinutes: number | undefined
}

export const USAGE = 'npm run faults -- [--only NAME,...] [--seed N] [--soak MINUTES] [--list]'

/** Throws a TypeError that says what is wrong with the arguments. */
export function readOptions(args: readonly string[]): FaultOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      only: { type: 'string', default: '' },
      list: { type: 'boolean', default: false },
      soak: { type: 'string' },
    },
  })
  return {
    seed: values.seed === undefined ? Math.floor(Math.random() * 1e9) : whole('--seed', values.seed),
    only: values.only.split(',').filter((name) => name !== ''),
    list: values.list,
    soakMinutes: values.soak === undefined ? undefined : whole('--soak', values.soak),
  }
}

function whole(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new TypeError(`${option} takes a whole number, not "${text}"`)
}
