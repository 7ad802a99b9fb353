import type { Orphan, Unlisted } from '@lading/worker'

/** What was removed, or would be; and how often that failed. */
export class GarbageSum {
  readonly gone = {
    object: { count: 0, bytes: 0 },
    upload: { count: 0, bytes: 0 },
    pack: { count: 0, bytes: 0 },
  }
  failures = 0

  add(found: Orphan | Unlisted): void {
    if (found.what === 'run' || typeof found.outcome === 'object') {
      this.failures++
    } else if (found.outcome !== 'kept') {
      this.gone[found.what].count++
      this.gone[found.what].bytes += found.bytes
    }
  }

  get bytes(): number {
    return Object.values(this.gone).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  body(removed: boolean) {
    const { object, upload, pack } = this.gone
    return {
      deleted: removed,
      objects: object,
      uploads: upload,
      packs: pack,
      bytes: this.bytes,
      failures: this.failures,
    }
  }
}
