/** The chunks of a stream, also where streams cannot be iterated (Safari). The stream is cancelled when they are not wanted. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      ended = done
      if (done) return
      yield value
    }
  } finally {
    // A stream that has failed already says so to whoever reads it, not to whoever gives it up.
    if (!ended) await reader.cancel().catch(() => undefined)
  }
}
