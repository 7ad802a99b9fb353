import { summarize } from './statistics.ts'

/** What one contender measured, a value for each repetition. */
export interface Series {
  readonly name: string
  /** Of the values, as in `MB/s`. */
  readonly unit: string
  readonly values: readonly number[]
}

export interface Aim {
  /** As a sentence: what over what. */
  readonly what: string
  readonly values: readonly number[]
  readonly atLeast?: number
  readonly below?: number
  readonly unit?: string
}

/** Prints a line for each series: name, then min, median and max of its repetitions. */
export function printSeries(series: readonly Series[]): void {
  const width = Math.max(...series.map(({ name }) => name.length), 20)
  console.log(`  ${''.padEnd(width)} ${['min', 'median', 'max'].map((head) => head.padStart(9)).join('')}`)
  for (const { name, unit, values } of series) {
    const { min, median, max } = summarize(values)
    const columns = [min, median, max].map((value) => round(value).padStart(9)).join('')
    console.log(`  ${name.padEnd(width)} ${columns} ${unit}`)
  }
}

/** Prints the ratio and the aim beside it. Nothing fails by it: what a machine gives depends on who else is on it. */
export function printAim({ what, values, atLeast, below, unit = '' }: Aim): void {
  const { min, median, max } = summarize(values)
  const aim = atLeast === undefined ? `below ${below}` : `at least ${atLeast}`
  const met = atLeast === undefined ? median < (below ?? 0) : median >= atLeast
  const figures = `${round(median)}${unit} (${round(min)} to ${round(max)})`
  console.log(`  ${what}: ${figures}; aim: ${aim}${unit}: ${met ? 'met' : 'missed'}`)
}

function round(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
