const BOUNDARY = '----WebKitFormBoundaryTB2MiQ36fnSJlrhY'
/** What a socket gives at a time. */
const CHUNK = 64 * 1024
const MIB = 2 ** 20

export { BOUNDARY }

/** A form to be parsed, in the chunks in which it comes. */
export interface FormBody {
  readonly name: string
  readonly bytes: number
  readonly parts: number
  chunks(): Iterable<Buffer>
}

/** Bodies that are easy for a parser, and bodies made to be hard for one. `bytes` is the size of the large ones. */
export function formBodies(bytes: number): FormBody[] {
  return [
    large('random bytes', bytes, randomContent()),
    large('text, lines of 80', bytes, filled(`${'x'.repeat(78)}\r\n`)),
    large('nothing but CR LF - -', bytes, filled('\r\n--')),
    large('boundaries less one letter', bytes, filled(`\r\n--${BOUNDARY.slice(0, -1)}`)),
    large('boundaries less the CR', bytes, filled(`\n--${BOUNDARY}`)),
    manyParts('parts of 10 KiB', 10 * 1024, bytes / 4),
    manyParts('parts of 100 bytes', 100, bytes / 16),
  ]
}

function large(name: string, bytes: number, content: Buffer): FormBody {
  return {
    name: `${bytes / MIB} MiB, ${name}`,
    bytes,
    parts: 1,
    *chunks() {
      yield head()
      for (let at = 0; at < bytes; at += CHUNK) {
        const from = at % content.length
        yield content.subarray(from, from + CHUNK)
      }
      yield end()
    },
  }
}

function manyParts(name: string, partBytes: number, bytes: number): FormBody {
  const part = Buffer.concat([head(), randomContent().subarray(0, partBytes), Buffer.from('\r\n')])
  const chunk = Buffer.concat(
    Array.from({ length: Math.max(1, Math.floor(CHUNK / part.length)) }, () => part),
  )
  const count = Math.floor(bytes / chunk.length)
  return {
    name: `${bytes / MIB} MiB, ${name}`,
    bytes: count * chunk.length,
    parts: (count * chunk.length) / part.length,
    *chunks() {
      for (let left = count; left > 0; left--) yield chunk
      yield end().subarray(2)
    },
  }
}

function head(): Buffer {
  const disposition = 'Content-Disposition: form-data; name="file"; filename="dir/a.bin"'
  return Buffer.from(`--${BOUNDARY}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`)
}

function end(): Buffer {
  return Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
}

/** More than a processor's cache holds, as what a socket gives would be. */
const CONTENT_BYTES = 64 * MIB

function filled(text: string): Buffer {
  return Buffer.alloc(CONTENT_BYTES, text)
}

/** The same in each run: a linear congruential generator's upper bits. */
function randomContent(): Buffer {
  const content = Buffer.alloc(CONTENT_BYTES)
  let state = 12345
  for (let at = 0; at < content.length; at += 2) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    content.writeUInt16LE(state >>> 16, at)
  }
  return content
}
