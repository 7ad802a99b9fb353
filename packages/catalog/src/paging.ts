import { isId } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { Page } from './model.ts'

/** The cursor that continues after `key`. Opaque to clients; holds nothing but the last row's key. */
function cursorAfter(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url')
}

/** The key in a cursor; '' for none, which is below every key. */
export function keyOfCursor(cursor: string | undefined): string {
  if (cursor === undefined) return ''
  const key = Buffer.from(cursor, 'base64url').toString('utf8')
  if (key === '' || cursorAfter(key) !== cursor || key.includes('\0')) {
    throw new LadingError('validation_failed', 'cursor: not one that a page of this list gave')
  }
  return key
}

/** As `keyOfCursor`, for lists that are ordered by id. */
export function idOfCursor(cursor: string | undefined): string | undefined {
  const key = keyOfCursor(cursor)
  if (key === '') return undefined
  if (!isId(key)) {
    throw new LadingError('validation_failed', 'cursor: not one that a page of this list gave')
  }
  return key
}

/** A page from rows that were asked for one more than `limit`. */
export function pageOf<T>(rows: T[], limit: number, keyOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > limit && last !== undefined ? cursorAfter(keyOf(last)) : undefined,
  }
}
