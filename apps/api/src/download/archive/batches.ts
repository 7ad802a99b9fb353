/** Joins small chunks until they have `bytes` together, since a write costs more than a copy; larger ones pass as they are. */
export async function* batches(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    const large = chunk.length >= bytes
    if (!large) {
      waiting.push(chunk)
      length += chunk.length
      if (length < bytes) continue
    }
    if (length > 0) yield Buffer.concat(waiting, length)
    if (large) yield chunk
    waiting = []
    length = 0
  }
  if (length > 0) yield Buffer.concat(waiting, length)
}
