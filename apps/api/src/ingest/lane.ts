import type { AcceptedFile } from '@lading/catalog'
import type { Admission } from './admission.ts'
import type { Intake } from './intake.ts'

/** A file with the path that it takes in the run, or a directory. */
export type PlacedFile = AcceptedFile

/** How files come in a body: by a form, in an archive, or as the body itself. */
export interface Lane {
  /** The most files that it takes; directories count too. */
  readonly files: number
  /** Whether the body is the file, byte by byte: its length is then known before it comes. */
  readonly isFile?: boolean
  /** What the head alone can refuse, before anything is reserved. */
  check(admission: Admission): Promise<void> | void
  /**
   * Reads the body into the intake, each file with the path where it belongs, and checks what was declared of the files.
   * Directories that have entries may be among them.
   */
  receive(admission: Admission, intake: Intake): Promise<void>
}
