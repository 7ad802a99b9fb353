import { posix, win32 } from 'node:path'
import { indexTar } from '../../packages/archive/src/fixtures/index-tar.ts'
import { listZip } from '../../packages/archive/src/fixtures/read-zip.ts'
import {
  decodeUrlPath,
  joinArtifactPath,
  parseArtifactLocation,
  parseArtifactPath,
  parseListPrefix,
} from '../../packages/core/src/index.ts'
import { collect } from '../../packages/multipart/src/fixtures/collect.ts'
import { LadingError } from '../../packages/protocol/src/index.ts'
import { formBody } from './grammars/form.ts'
import { location, name } from './grammars/names.ts'
import { tar } from './grammars/tar.ts'
import { zip } from './grammars/zip.ts'
import type { Target } from './target.ts'

const ROOT = 's3://'

/** What reads bytes of clients: each takes them or says `LadingError`, and says the same however they are cut. */
export const PARSERS: readonly Target[] = [
  { name: 'form', inputs: formBody, check: (bytes) => sameInPieces(bytes, (chunks) => collect(chunks)) },
  { name: 'tar', inputs: tar, check: (bytes) => sameInPieces(bytes, (chunks) => indexTar(chunks)) },
  { name: 'zip', inputs: zip, check: async (bytes) => void (await outcomeOf(() => listZip(bytes))) },
  {
    name: 'path',
    inputs: name.map((text) => Buffer.from(text)),
    check: (bytes) => checkPath(bytes.toString()),
  },
  {
    name: 'location',
    inputs: location(ROOT).map((text) => Buffer.from(text)),
    check: (bytes) => checkLocation(bytes.toString()),
  },
]

async function sameInPieces(bytes: Buffer, read: (chunks: Buffer[]) => unknown): Promise<void> {
  const whole = await outcomeOf(() => read([Buffer.from(bytes)]))
  for (const size of [1, 7, 512]) {
    const pieces = await outcomeOf(() => read(cut(bytes, size)))
    if (pieces !== whole) throw new Error(`in pieces of ${size} bytes it is ${pieces}, as a whole ${whole}`)
  }
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(Buffer.from(bytes.subarray(at, at + size)))
  return pieces
}

/** What came of it, to compare; whatever is thrown but a refusal is a fault. */
async function outcomeOf(read: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await read())
  } catch (error) {
    if (error instanceof LadingError && error.status < 500) return error.code
    throw error
  }
}

async function checkPath(text: string): Promise<void> {
  for (const parse of [
    parseArtifactPath,
    decodeUrlPath,
    parseListPrefix,
    (raw: string) => joinArtifactPath('d', raw),
  ]) {
    let path: string
    try {
      path = parse(text)
    } catch (error) {
      if (error instanceof LadingError && error.code === 'path_invalid') continue
      throw error
    }
    if (path !== '') checkPlace(path)
  }
}

/** The path stays below its root, for POSIX, Windows and URLs, and for whoever decodes it again. */
function checkPlace(path: string): void {
  if (posix.resolve('/root', path) !== `/root/${path}`) throw new Error('POSIX finds another place')
  if (!win32.resolve('C:\\root', path).startsWith('C:\\root\\')) throw new Error('Windows climbs')
  const url = new URL(`http://host/${path.split('/').map(encodeURIComponent).join('/')}`)
  if (decodeURIComponent(url.pathname) !== `/${path}`) throw new Error('a URL names another place')
  for (let text = path, depth = path.split('/').length; ; ) {
    const decoded = decodedOrSame(text)
    if (decoded === text) return
    const segments = decoded.split('/')
    if (segments.length !== depth || segments.some((one) => /^\.*$|[\\#?;\p{Cc}]/u.test(one)))
      throw new Error('decoded once more, it is another place')
    text = decoded
  }
}

function decodedOrSame(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

async function checkLocation(text: string): Promise<void> {
  let found: ReturnType<typeof parseArtifactLocation>
  try {
    found = parseArtifactLocation(text, { scheme: 's3' })
  } catch (error) {
    if (error instanceof LadingError && error.code === 'location_invalid') return
    throw error
  }
  const { host, pathname, search, hash } = new URL(text)
  const path = decodeURIComponent(pathname).replace(/^\//, '')
  const prefix = path === '' || path.endsWith('/') ? path : `${path}/`
  if (host !== found.bucket || prefix !== found.prefix || search !== '' || hash !== '')
    throw new Error(`a reader of URLs finds ${host} and ${prefix}, not ${found.bucket} and ${found.prefix}`)
}
