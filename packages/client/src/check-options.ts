import { LadingError } from './errors.ts'
import type { LadingOptions } from './options.ts'

/** Refuses, with `option_invalid`, what no request can be made with; every one would fail, as if no server were there. */
export function checkOptions({ url, tenant, apiKey, pieceBytes }: LadingOptions): void {
  const fault =
    faultOfUrl(url) ??
    faultOfHeader('tenant', tenant) ??
    faultOfHeader('apiKey', apiKey) ??
    (pieceBytes !== undefined && !(pieceBytes >= 1) ? 'pieceBytes is less than 1' : undefined)
  if (fault !== undefined) throw new LadingError('option_invalid', fault)
}

/** In a page, an address may be one of the page's own server. */
function faultOfUrl(text: string): string | undefined {
  const page = (globalThis as { readonly location?: { readonly href: string } }).location?.href
  const url = URL.canParse(text, page) ? new URL(text, page) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return `url ${JSON.stringify(text)} must begin with http:// or https://`
  if (url.username !== '' || url.password !== '')
    return 'url holds a name or a password; give a key as apiKey'
  return /[?#]/.test(text)
    ? `url ${JSON.stringify(text)} has a "?" or "#", after which no path can follow`
    : undefined
}

/** The value is not shown: it may be a key. */
function faultOfHeader(name: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return undefined
  return `${name} has a character that no header can hold: a line break, or one outside of ASCII`
}
