export interface Summary {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) throw new Error('nothing was measured')
  return { min, median: medianOf(sorted), max }
}

/** Of each repetition, what the one measured over what the other did: noise that lasts longer than a repetition cancels out. */
export function ratios(ones: readonly number[], others: readonly number[]): number[] {
  if (ones.length !== others.length) throw new Error('each repetition measures both')
  return ones.map((one, index) => one / (others[index] ?? Number.NaN))
}

function medianOf(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}
