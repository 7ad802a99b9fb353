import { LadingError } from '@lading/protocol'

/**
 * The request target in origin form (RFC 9112, 3.2), as it came: nothing is decoded or resolved. The absolute form,
 * which servers must take too, loses its scheme and authority.
 */
export function originForm(target: string): string {
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (origin.includes('#')) {
    throw new LadingError('path_invalid', 'path: the request target holds "#"; a client cuts URLs there')
  }
  if (origin.startsWith('/')) return origin
  if (origin === '' || origin.startsWith('?')) return `/${origin}`
  throw new LadingError('bad_request', 'the request target must be a path that begins with "/"')
}

/** The path of a target, without its query, still percent-encoded. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/**
 * The query of a target, by name. A name that comes twice has no meaning here, and is refused rather than guessed.
 * Fails with `validation_failed`.
 */
export function queryOf(target: string): Record<string, string> {
  const mark = target.indexOf('?')
  const values = new Map<string, string>()
  if (mark === -1 || mark === target.length - 1) return {}
  for (const pair of target.slice(mark + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    if (values.has(name)) throw new LadingError('validation_failed', `${name}: the query gives it twice`)
    values.set(name, equals === -1 ? '' : decode(pair.slice(equals + 1)))
  }
  return Object.fromEntries(values)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (cause) {
    throw new LadingError(
      'validation_failed',
      'the query holds a malformed percent escape, or one that is not UTF-8',
      {
        cause,
      },
    )
  }
}
