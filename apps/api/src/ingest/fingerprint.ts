import { createHash } from 'node:crypto'
import type { PlacedFile } from './lane.ts'

/** What a request brought, by which its repetition is known: the same for the same files in any order, however they came. */
export class Fingerprint {
  readonly #hash = createHash('sha256')

  /** Pages come by path (bytewise); within a page, the order does not matter. */
  add(page: readonly PlacedFile[]): void {
    const byPath = page.map((file) => ({ file, bytes: Buffer.from(file.path) }))
    byPath.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    for (const { file } of byPath) {
      const { path, type, size, sha256 } = file
      this.#hash.update(`${JSON.stringify(type === 'file' ? [path, size, sha256] : [path])}\n`)
    }
  }

  finish(): string {
    return this.#hash.digest('hex')
  }
}
