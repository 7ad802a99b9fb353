import { type ArtifactDirectory, type ArtifactPath, parseArtifactPath, type Sha256Hex } from '@lading/core'
import { type MultipartHandler, MultipartParser, type PartHeader, parseBoundary } from '@lading/multipart'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import type { UploadCall } from './admission.ts'
import type { Arrivals } from './arrivals.ts'
import { checkSha256 } from './declared-digest.ts'
import { directoryBelow } from './directory-below.ts'
import { FIELD_COUNT, FormFields } from './form-fields.ts'
import type { Intake } from './intake.ts'
import type { Lane } from './lane.ts'
import { checkManifest } from './manifest.ts'
import { checkHasContent, readUpload } from './read-upload.ts'

type Needs = Pick<ApiContext, 'bodies' | 'config'>

/** One or more `file` parts, at most `files`, and fields before or after them (RFC 7578). */
export function formLane(context: Needs, call: UploadCall, files: number): Lane {
  const { limits } = context.config
  const boundary = parseBoundary(call.request.headers['content-type'])
  return {
    files,
    check({ directory }) {
      checkHasContent(call, 'a multipart/form-data body with a file')
      directoryBelow(directory, call.query.artifact_path)
    },
    async receive(admission, intake) {
      const form = new Form(intake, new FormFields(limits), admission.directory, call.query.artifact_path)
      const parser = new MultipartParser(boundary, form, {
        // One more than can be right, so that the part too many is refused for what it is.
        parts: files + FIELD_COUNT + 1,
        nameBytes: limits.fieldNameBytes,
        headerBytes: limits.partHeaderBytes,
      })
      await readUpload(context, call, admission, (chunk) => {
        parser.write(chunk)
        return intake.takeWait()
      })
      parser.end()
      await form.settle()
    },
  }
}

class Form implements MultipartHandler {
  readonly #intake: Intake
  readonly #fields: FormFields
  readonly #directory: ArtifactDirectory
  readonly #pathOfQuery: string | undefined
  #inFile = false

  constructor(
    intake: Intake,
    fields: FormFields,
    directory: ArtifactDirectory,
    pathOfQuery: string | undefined,
  ) {
    this.#intake = intake
    this.#fields = fields
    this.#directory = directory
    this.#pathOfQuery = pathOfQuery
  }

  partBegin({ name, filename }: PartHeader): void {
    this.#inFile = name === 'file'
    if (this.#inFile) this.#intake.begin(checkedFilename(filename))
    else this.#fields.begin(name)
    if (!this.#inFile && filename !== undefined) {
      throw new LadingError(
        'multipart_part_invalid',
        `${name}: it is a field and takes no filename; files are called "file"`,
      )
    }
  }

  partData(chunk: Buffer): void {
    if (this.#inFile) this.#intake.data(chunk)
    else this.#fields.data(chunk)
  }

  partEnd(): void {
    if (this.#inFile) this.#intake.end()
  }

  /** Fields may come last, so that paths, and what was declared of them, are settled at the end. */
  async settle(): Promise<void> {
    const { arrivals } = this.#intake
    if (arrivals.count === 0)
      throw new LadingError('no_file', 'file: the form has no such part; send at least one')
    const { artifactPath, sha256, manifest } = this.#fields
    if (artifactPath !== undefined && this.#pathOfQuery !== undefined) {
      throw new LadingError(
        'duplicate_field',
        'artifact_path: the form gives it, and the query too; give it once',
      )
    }
    const directory = directoryBelow(this.#directory, artifactPath ?? this.#pathOfQuery)
    await arrivals.placeBelow(directory)
    if (sha256 !== undefined) checkSole(arrivals, sha256)
    if (manifest !== undefined) await checkManifest(arrivals, manifest)
  }
}

/** A name that is not good by itself is refused before its bytes come. */
function checkedFilename(filename: string | undefined): ArtifactPath {
  if (filename !== undefined) return parseArtifactPath(filename, 'filename')
  throw new LadingError('multipart_part_invalid', 'file: this part has no filename; a file needs one')
}

function checkSole({ count, last }: Arrivals, sha256: Sha256Hex): void {
  if (count > 1) {
    throw new LadingError(
      'validation_failed',
      'sha256: it speaks of one file, and the form has several; use manifest',
    )
  }
  if (last !== undefined) checkSha256(last.sha256, sha256, 'sha256')
}
