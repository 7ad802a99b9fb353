import type { ByteRange } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * The range of a `Range` field (RFC 9110, 14.1.2), or undefined for the whole: also for several ranges, which a server
 * may answer so (14.2), and for what cannot be read. Fails with `range_not_satisfiable`.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec((header ?? '').trim())
  const [, first, last] = match ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') return suffix(Number(last), size)
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= size) throw unsatisfiable(size)
  return { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

function suffix(length: number, size: number): ByteRange {
  if (length === 0 || size === 0) throw unsatisfiable(size)
  return { start: Math.max(0, size - length), end: size - 1 }
}

function unsatisfiable(size: number): LadingError {
  return new LadingError('range_not_satisfiable', `Range: the artifact has ${size} bytes`, {
    headers: { 'content-range': `bytes */${size}` },
  })
}
