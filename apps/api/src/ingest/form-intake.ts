import { createHash } from 'node:crypto'
import { joinArtifactPath, parseArtifactPath, type Sha256Hex } from '@lading/core'
import { type MultipartHandler, MultipartParser, type PartHeader, parseBoundary } from '@lading/multipart'
import { LadingError } from '@lading/protocol'
import type { ApiContext } from '../context.ts'
import { hasContent } from '../request-head.ts'
import type { UploadCall } from './admission.ts'
import { readBody } from './body-reader.ts'
import { checkSha256 } from './declared-digest.ts'
import { FIELD_COUNT, FormFields } from './form-fields.ts'
import type { Intake } from './intake.ts'
import type { Lane, PlacedFile } from './lane.ts'
import { checkManifest } from './manifest.ts'

type Needs = Pick<ApiContext, 'bodies' | 'config'>

/** One or more `file` parts, and fields before or after them (RFC 7578). */
export function formLane({ bodies, config }: Needs, { request, response }: UploadCall): Lane {
  const { limits } = config
  const boundary = parseBoundary(request.headers['content-type'])
  return {
    check() {
      if (hasContent(request)) return
      throw new LadingError('empty_body', 'the body is empty; send a multipart/form-data body with a file')
    },
    async receive({ bodySha256 }, intake) {
      const form = new Form(intake, new FormFields(limits))
      const hash = bodySha256 === undefined ? undefined : createHash('sha256')
      const parser = new MultipartParser(boundary, form, {
        // One more than can be right, so that the part too many is refused for what it is.
        parts: limits.files + FIELD_COUNT + 1,
        nameBytes: limits.fieldNameBytes,
        headerBytes: limits.partHeaderBytes,
      })
      await readBody(request, response, bodies, limits.requestBytes, (chunk) => {
        hash?.update(chunk)
        parser.write(chunk)
        return intake.takeWait()
      })
      parser.end()
      if (hash !== undefined) checkSha256(hash.digest('hex') as Sha256Hex, bodySha256, 'Content-Digest')
      return form.settle()
    },
  }
}

class Form implements MultipartHandler {
  readonly #intake: Intake
  readonly #fields: FormFields
  #inFile = false

  constructor(intake: Intake, fields: FormFields) {
    this.#intake = intake
    this.#fields = fields
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
  settle(): PlacedFile[] {
    const { files } = this.#intake
    if (files.length === 0)
      throw new LadingError('no_file', 'file: the form has no such part; send at least one')
    const { artifactPath, sha256, manifest } = this.#fields
    const placed = files.map((file) => ({ ...file, path: joinArtifactPath(artifactPath, file.name) }))
    if (sha256 !== undefined) checkSole(placed, sha256)
    if (manifest !== undefined) checkManifest(placed, manifest)
    return placed
  }
}

/** A name that is not good by itself is refused before its bytes come. */
function checkedFilename(filename: string | undefined): string {
  if (filename !== undefined) return parseArtifactPath(filename, 'filename')
  throw new LadingError('multipart_part_invalid', 'file: this part has no filename; a file needs one')
}

function checkSole(files: readonly PlacedFile[], sha256: Sha256Hex): void {
  const [file, another] = files
  if (another !== undefined) {
    throw new LadingError(
      'validation_failed',
      'sha256: it speaks of one file, and the form has several; use manifest',
    )
  }
  if (file !== undefined) checkSha256(file.digests.sha256, sha256, 'sha256')
}
