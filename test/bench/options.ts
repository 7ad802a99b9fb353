import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Benches to run, by name; empty: all. */
  readonly names: readonly string[]
  /** A sixteenth of the sizes, and three repetitions: shows that it runs, and the order of size. */
  readonly quick: boolean
  /** Undefined: each bench's own. */
  readonly repetitions: number | undefined
  /** Where spool and baselines write. */
  readonly directory: string
  /** Where processor profiles of API and worker go, if they are to be taken; they cost some time themselves. */
  readonly profiles: string | undefined
}

export const USAGE = `npm run bench -- [name ...] [--quick] [--repetitions N] [--directory DIR] [--profiles DIR]`

/** Throws a TypeError that says what is wrong with the arguments. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      directory: { type: 'string', default: tmpdir() },
      profiles: { type: 'string' },
    },
  })
  return {
    names: positionals,
    quick: values.quick,
    repetitions: values.repetitions === undefined ? undefined : positive(values.repetitions),
    directory: resolve(values.directory),
    profiles: values.profiles === undefined ? undefined : resolve(values.profiles),
  }
}

/** A size of the full bench, or of the quick one. */
export function sized(options: BenchOptions, full: number): number {
  return options.quick ? Math.ceil(full / 16) : full
}

export function repetitionsOf(options: BenchOptions, full: number): number {
  return options.repetitions ?? Math.min(full, options.quick ? 3 : full)
}

function positive(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new TypeError(`--repetitions takes a number from 1, not "${text}"`)
}
