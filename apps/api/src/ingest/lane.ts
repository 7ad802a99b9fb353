import type { ArtifactPath, Digests } from '@lading/core'
import type { Admission } from './admission.ts'
import type { Intake } from './intake.ts'

/** A file with the path that it takes in the run. */
export interface PlacedFile {
  readonly path: ArtifactPath
  readonly offset: number
  readonly digests: Digests
}

/** How files come in a body: by a form, or as the body itself. */
export interface Lane {
  /** What the head alone can refuse, before anything is reserved. */
  check(admission: Admission): Promise<void> | void
  /** Reads the body into the intake, checks what was declared of the files, and says where each belongs. */
  receive(admission: Admission, intake: Intake): Promise<PlacedFile[]>
}
