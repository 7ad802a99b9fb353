import type { CallOptions } from './options.ts'
import type { Transport } from './transport.ts'

/** Everything that a list has, page after page as it is asked for. */
export async function* pagesOf<T, N extends string>(
  transport: Transport,
  path: string,
  name: N,
  query: Readonly<Record<string, string | undefined>>,
  { signal }: CallOptions,
): AsyncGenerator<T> {
  let cursor: string | null | undefined
  do {
    const page = await transport.json<Record<N, T[]> & { next_cursor: string | null }>(
      `${path}${queryOf({ limit: '1000', ...query, cursor })}`,
      name,
      signal === undefined ? {} : { signal },
    )
    yield* page[name]
    cursor = page.next_cursor
  } while (cursor != null)
}

export function queryOf(values: Readonly<Record<string, string | null | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value != null) query.set(name, value)
  return query.size === 0 ? '' : `?${query}`
}
