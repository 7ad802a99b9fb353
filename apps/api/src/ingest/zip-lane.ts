import { type ReadAt, readZipDirectory } from '@lading/archive'
import { type ArtifactDirectory, newId, type PackReader } from '@lading/core'
import type { ApiContext } from '../context.ts'
import type { Admission, UploadCall } from './admission.ts'
import { directoryBelow } from './directory-below.ts'
import { placeEntry } from './entry-place.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { checkHasContent, readUpload } from './read-upload.ts'
import { Unpacking } from './unpacking.ts'
import { ZipBytes } from './zip-bytes.ts'
import { takeZipEntry } from './zip-entry.ts'

type Needs = Pick<ApiContext, 'bodies' | 'config' | 'spool'>

/**
 * A zip. Its directory stands at its end, so it is read into a pack that is nobody's and unpacked from there into the
 * request's own; the first is dropped whatever happens (docs/decisions/0011-zip-at-the-door.md).
 */
export function zipLane(context: Needs, call: UploadCall): Lane {
  const { limits } = context.config
  return {
    files: limits.entries,
    check({ directory }) {
      checkHasContent(call, 'a zip')
      directoryBelow(directory, call.query.artifact_path)
    },
    async receive(admission, intake) {
      const directory = directoryBelow(admission.directory, call.query.artifact_path)
      await withBody(context, call, admission, (archive, size) =>
        unpack(context, call, archive, size, directory, intake),
      )
    },
  }
}

/** Reads the body into a pack, which is there for as long as `use` takes. */
async function withBody(
  context: Needs,
  call: UploadCall,
  admission: Admission,
  use: (archive: PackReader, size: number) => Promise<void>,
): Promise<void> {
  const { spool } = context
  const pack = await spool.create(newId(), { expectedBytes: admission.length ?? 0, ownsChunks: true })
  try {
    await readUpload(context, call, admission, (chunk) => pack.write(chunk))
    await pack.seal()
    await using archive = await spool.open(pack.packId)
    await use(archive, pack.position)
  } finally {
    await pack.discard()
  }
}

async function unpack(
  { bodies, config }: Needs,
  call: UploadCall,
  archive: PackReader,
  size: number,
  directory: ArtifactDirectory,
  intake: Intake,
): Promise<void> {
  const { entries, archiveBytes, archiveRatio, idleMs } = config.limits
  using unpacking = new Unpacking(call, bodies, idleMs)
  const read: ReadAt = (target, offset) => {
    unpacking.check()
    return archive.read(target, offset)
  }
  const bytes = new ZipBytes(read, size)
  const limits = { entries, bytes: archiveBytes, ratio: archiveRatio }
  for await (const entry of readZipDirectory(read, size, limits)) {
    const path = placeEntry(directory, entry.path)
    const facts = { mode: entry.mode, mtime: new Date(entry.mtimeMs) }
    if (entry.type === 'directory') {
      intake.directory(path, facts)
      continue
    }
    intake.begin(path, facts)
    await takeZipEntry(entry, bytes, intake)
  }
}
