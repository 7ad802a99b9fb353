import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * What a server in this language can do at best with a body: hash it, write it, fsync, answer with the digest. No
 * form, no checks, no catalog. `PUT /pipe` is `stream.pipeline`; `PUT /batched` spares the streams between, and lets the
 * file's stream gather chunks into `writev`.
 */
const [port, directory = '.'] = process.argv.slice(2)
let count = 0

createServer(async (request, response) => {
  if (request.method !== 'PUT') return void response.end()
  const take = request.url === '/pipe' ? pipe : batched
  const sha256 = await take(request, join(directory, 'files', String(count++)))
  response.writeHead(201).end(sha256)
}).listen(Number(port), '127.0.0.1')

async function pipe(request: IncomingMessage, path: string): Promise<string> {
  const hash = createHash('sha256')
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  await pipeline(request, hashing, createWriteStream(path, { flush: true }))
  return hash.digest('hex')
}

function batched(request: IncomingMessage, path: string): Promise<string> {
  const hash = createHash('sha256')
  const file = createWriteStream(path, { flush: true, highWaterMark: 1024 * 1024 })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    if (!file.write(chunk)) request.pause()
  })
  file.on('drain', () => request.resume())
  request.on('end', () => file.end())
  request.on('error', reject)
  file.on('error', reject)
  file.on('close', () => resolve(hash.digest('hex')))
  return promise
}
