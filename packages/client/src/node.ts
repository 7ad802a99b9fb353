import { Lading } from './lading.ts'
import { nodeDigests } from './node-digests.ts'
import type { LadingOptions } from './options.ts'

export { fileAt } from './disk/file-at.ts'
export { type DiskFile, filesIn, type WalkOptions } from './disk/files-in.ts'
export { type SaveOptions, saveArtifacts } from './disk/save.ts'
export { saveFile } from './disk/save-file.ts'
export * from './surface.ts'

/** A client for Node 20 and later, whose digests are taken by native code. */
export function connect(options: LadingOptions): Lading {
  return new Lading(options, nodeDigests)
}
