import { once } from 'node:events'

/**
 * Writes to standard output or standard error, and resolves when there is room for more: who reads slowly holds back who
 * writes, and nothing piles up in memory. Fails with `AbortError` when the signal fires while it waits.
 */
export async function written(
  stream: NodeJS.WriteStream,
  chunk: string | Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  if (!stream.write(chunk)) await once(stream, 'drain', signal === undefined ? {} : { signal })
}

/** Resolves when everything that was written has been taken. A process that ends sooner cuts off what a pipe holds back. */
export async function allTaken(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => void stream.write('', () => resolve()))
}
