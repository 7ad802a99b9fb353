import { isId, isLoopback, parseTenantId, type TenantId } from '@lading/core'
import { LadingError } from '@lading/protocol'

/** How the text of a setting is read. A parser returns the value or throws an `Error` that says what would be right. */
export interface Kind<T> {
  readonly parse: (text: string) => T
  /** For the docs: what a value looks like. */
  readonly form: string
  /** For the docs: the text that `parse` reads as the value. Left out where `String` does. */
  format?(value: T): string
}

export const text: Kind<string> = { parse: (value) => value, form: 'text' }

export const port: Kind<number> = {
  form: '0 to 65535; 0 takes a free one',
  parse: (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number > 65_535) throw new Error('must be a TCP port, 0 to 65535')
    return number
  },
}

export function whole(min: number, max: number): Kind<number> {
  return {
    form: `${min} to ${max}`,
    parse: (value) => {
      const number = Number(value)
      if (!/^\d+$/.test(value) || number < min || number > max) {
        throw new Error(`must be a whole number from ${min} to ${max}`)
      }
      return number
    },
  }
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** Bytes. */
export const bytes: Kind<number> = {
  form: 'bytes, such as `512MiB`',
  format: (size) => inLargestUnit(size, BYTE_UNITS),
  parse: (value) => {
    const match = /^(\d+)(KiB|MiB|GiB|TiB|)$/.exec(value)
    const size = Number(match?.[1]) * (BYTE_UNITS[match?.[2] ?? ''] ?? Number.NaN)
    if (!Number.isSafeInteger(size)) throw new Error('must be bytes, such as 1048576, 512MiB or 2GiB')
    return size
  },
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
/** What a Node timer can hold. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** Milliseconds. */
export function duration({ leastMs = 0, mostMs = MAX_DELAY_MS } = {}): Kind<number> {
  const least = leastMs === 0 ? '' : `, at least ${leastMs}ms`
  const most = mostMs === MAX_DELAY_MS ? '' : `, at most ${inLargestUnit(mostMs, TIME_UNITS)}`
  return {
    form: `a time, such as \`30s\`, \`15m\`, \`24h\`${least}${most}`,
    format: (ms) => inLargestUnit(ms, TIME_UNITS),
    parse: (value) => {
      const match = /^(\d+)(ms|s|m|h|d)$/.exec(value)
      const ms = Number(match?.[1]) * (TIME_UNITS[match?.[2] ?? ''] ?? Number.NaN)
      if (Number.isNaN(ms)) throw new Error('must be a time, such as 500ms, 30s, 15m or 24h')
      if (ms < leastMs) throw new Error(`must be a time of at least ${leastMs}ms`)
      if (ms > MAX_DELAY_MS) throw new Error('must be a time of at most 24d')
      if (ms > mostMs) throw new Error(`must be a time of at most ${inLargestUnit(mostMs, TIME_UNITS)}`)
      return ms
    },
  }
}

export const yesOrNo: Kind<boolean> = {
  form: '`true` or `false`',
  parse: (value) => {
    if (value === 'true') return true
    if (value === 'false') return false
    throw new Error('must be true or false')
  },
}

export function oneOf<const T extends string>(...values: T[]): Kind<T> {
  return {
    form: values.map((value) => `\`${value}\``).join(', '),
    parse: (value) => {
      const found = values.find((known) => known === value)
      if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`)
      return found
    },
  }
}

export function url(...protocols: string[]): Kind<string> {
  return {
    form: protocols.map((protocol) => `\`${protocol}//…\``).join(' or '),
    parse: (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined
      if (!parsed || !protocols.includes(parsed.protocol)) {
        throw new Error(
          `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
        )
      }
      return value
    },
  }
}

/** Origins of web pages, as browsers write them (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin). */
export const origins: Kind<readonly string[]> = {
  form: 'origins, such as `https://ml.example.com`, separated by commas',
  format: (list) => list.join(','),
  parse: (value) => value.split(',').map((entry) => checkedOrigin(entry.trim())),
}

export const runId: Kind<string> = {
  form: "a run's id",
  parse: (value) => {
    if (!isId(value)) throw new Error("must be a run's id")
    return value
  },
}

/** Several of the values, separated by commas. */
export function someOf<const T extends string>(values: readonly T[]): Kind<readonly T[]> {
  const one = oneOf(...values)
  return {
    form: `of ${one.form}, separated by commas`,
    format: (chosen) => chosen.join(','),
    parse: (value) => {
      try {
        return value.split(',').map((text) => one.parse(text.trim()))
      } catch (cause) {
        throw new Error(`must be of ${values.join(', ')}, separated by commas`, { cause })
      }
    },
  }
}

/** A claim of a token. */
export const claim: Kind<string> = {
  form: "a claim's name",
  parse: (value) => {
    if (!/^\S{1,200}$/.test(value)) throw new Error("must be a claim's name, without blanks")
    return value
  },
}

/** An issuer of tokens (OpenID Connect Discovery 1.0, 2): what it says over http could be anybody's. */
export const issuer: Kind<string> = {
  form: '`https://…`; `http://…` on loopback',
  parse: (value) => {
    const parsed = URL.canParse(value) ? new URL(value) : undefined
    const trusted =
      parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && isLoopback(parsed.hostname))
    if (!parsed || !trusted || parsed.search !== '' || parsed.hash !== '' || parsed.username !== '') {
      throw new Error('must be a URL that begins with https:// and has no query, fragment or user')
    }
    return value
  },
}

/** Secrets with commas between, such as one that is new and one that is on its way out. */
export const secrets: Kind<readonly string[]> = {
  form: 'at least 32 characters, or several of them with commas between',
  parse: (value) => {
    const all = value.split(',').map((secret) => secret.trim())
    if (all.some((secret) => secret.length < 32))
      throw new Error('must be at least 32 characters, or several of them with commas between')
    return all
  },
}

/** What an `Authorization: Bearer` may carry (RFC 6750, 2.1), and long enough not to be guessed. */
export const bearerToken: Kind<string> = {
  form: 'at least 16 of `A-Z a-z 0-9 - . _ ~ + /`',
  parse: (value) => {
    if (!/^[A-Za-z0-9._~+/-]{16,}=*$/.test(value))
      throw new Error('must be at least 16 of letters, digits, "-", ".", "_", "~", "+" and "/"')
    return value
  },
}

/** A tenant; empty is none. */
export const tenant: Kind<TenantId | undefined> = {
  form: 'a tenant id',
  parse: (value) => {
    if (value === '') return undefined
    try {
      return parseTenantId(value)
    } catch (error) {
      if (error instanceof LadingError)
        throw new Error('must be 1 to 64 of letters, digits, ".", "_" and "-"')
      throw error
    }
  },
}

function checkedOrigin(given: string): string {
  if (given === '*')
    throw new Error(
      'must name each origin: with "*" every page on the web could use what its reader can reach',
    )
  const { origin, protocol } = URL.canParse(given) ? new URL(given) : { origin: '', protocol: '' }
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new Error('must be origins, such as https://ml.example.com or http://localhost:3000')
  if (origin !== given) throw new Error(`must be origins and nothing more; write ${origin}`)
  return origin
}

function inLargestUnit(value: number, units: Readonly<Record<string, number>>): string {
  const whole = Object.entries(units).filter(([, size]) => value % size === 0)
  const [unit, size] = (value === 0 ? whole[0] : whole.at(-1)) ?? ['', 1]
  return `${value / size}${unit}`
}
