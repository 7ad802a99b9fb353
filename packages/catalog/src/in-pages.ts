/** Runs `work` over consecutive pages of the rows, one after another. */
export async function inPages<T>(
  rows: readonly T[],
  size: number,
  work: (page: readonly T[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < rows.length; from += size) await work(rows.slice(from, from + size))
}
