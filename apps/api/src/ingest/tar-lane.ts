import type { ApiContext } from '../context.ts'
import type { UploadCall } from './admission.ts'
import { directoryBelow } from './directory-below.ts'
import type { Lane } from './lane.ts'
import { checkHasContent, readUpload } from './read-upload.ts'
import { TarIntake } from './tar-intake.ts'

/** A tar: nothing is unpacked, and the list of its files is complete when its last byte has come. */
export function tarLane(context: Pick<ApiContext, 'bodies' | 'config'>, call: UploadCall): Lane {
  const { limits } = context.config
  return {
    files: limits.entries,
    check({ directory }) {
      checkHasContent(call, 'a tar')
      directoryBelow(directory, call.query.artifact_path)
    },
    async receive(admission, intake) {
      const tar = new TarIntake(intake, directoryBelow(admission.directory, call.query.artifact_path), limits)
      await readUpload(context, call, admission, (chunk) => tar.write(chunk))
      tar.end()
    },
  }
}
