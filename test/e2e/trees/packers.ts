import { join } from 'node:path'
import { archiver } from '../../support/archivers.ts'

export interface Packer {
  /** The media type of what it makes. */
  readonly type: string
  /** Packs the working directory, to its standard output. */
  readonly command: string
}

const ZIPFILE = join(import.meta.dirname, 'zip-folder.py')

/** As users pack in front of curl: to a pipe, in which no program can go back to fill in what it knows later. */
export const PACKERS: Readonly<Record<string, Packer>> = {
  'GNU tar': { type: 'application/x-tar', command: `"${archiver('tar')}" c .` },
  'bsdtar as tar': { type: 'application/x-tar', command: `"${archiver('bsdtar')}" -cf - .` },
  'bsdtar as zip': { type: 'application/zip', command: `"${archiver('bsdtar')}" -a -cf - --format zip .` },
  zip: { type: 'application/zip', command: `"${archiver('zip')}" -q -r - .` },
  "Python's zipfile": { type: 'application/zip', command: `"${archiver('python3')}" "${ZIPFILE}"` },
}
