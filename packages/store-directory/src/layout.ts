import { mkdirSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import type { ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * Where things lie:
 *
 *     <root>/<bucket>/<key>                          an object: the file itself, nothing beside it
 *     <root>/.lading/tmp/<uuid>                      what is being written; renamed when it is whole and proven
 *     <root>/.lading/uploads/<upload id>/ref.json    which object an upload is for
 *     <root>/.lading/uploads/<upload id>/<part>      `<number>-<crc32>-<size>`
 *
 * No bucket begins with a dot, so no key reaches `.lading`.
 */
export class Layout {
  readonly root: string
  readonly tmp: string
  readonly uploads: string

  constructor(root: string) {
    this.root = resolve(root)
    this.tmp = join(this.root, '.lading', 'tmp')
    this.uploads = join(this.root, '.lading', 'uploads')
  }

  /** The only place where the root is created: a disk that is unmounted later must not be replaced by an empty tree. */
  create(): void {
    mkdirSync(this.tmp, { recursive: true })
    mkdirSync(this.uploads, { recursive: true })
  }

  bucket(bucket: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9.-]{1,62}$/.test(bucket))
      throw new LadingError(
        'store_rejected',
        `"${bucket}" is no bucket name: use 2 to 63 letters, digits, "." and "-".`,
      )
    return join(this.root, bucket)
  }

  object(ref: ObjectRef): string {
    const bucket = this.bucket(ref.bucket)
    const path = join(bucket, ref.key)
    // Whoever makes keys has refused these already; a key must not leave its bucket even if they fail to.
    const plain = ref.key.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
    if (plain && !ref.key.includes('\0') && path.startsWith(bucket + sep)) return path
    throw new LadingError(
      'store_rejected',
      `"${ref.key}" is no key of a directory store: a segment is empty, "." or "..".`,
    )
  }

  /** Upload ids are this store's own; any other names no upload, and no path. */
  upload(uploadId: string): string | undefined {
    return /^[0-9a-f-]{36}$/.test(uploadId) ? join(this.uploads, uploadId) : undefined
  }
}
