import { LadingError } from './errors.ts'

/** Whether a `Blob` of a file could not be read: browsers and Node refuse one that was changed since it was opened. */
export function isUnreadable(error: unknown): boolean {
  return [error, (error as Error | undefined)?.cause].some(
    (one) => one instanceof DOMException && one.name === 'NotReadableError',
  )
}

/** Does `work`, and names the file where that could not be read. Fails with `file_changed`, and as `work`. */
export async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isUnreadable(error)) throw error
    const detail = `${path}: the file cannot be read any more, or was changed while it was sent; log it again`
    throw new LadingError('file_changed', detail, { cause: error })
  }
}
