import type { Job } from './bodies.ts'

/** The jobs that a stream of server-sent events tells of. */
export async function* jobsIn(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Job> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as Job
  }
}
