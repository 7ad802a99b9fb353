import type { DeliverableFile } from '@lading/catalog'
import type { ObjectFacts, ObjectRef, PackReader, Precondition } from '@lading/core'
import type { FileSignals } from './file-signals.ts'

/** One file on its way to the store. */
export interface FileDelivery {
  readonly jobId: string
  readonly file: DeliverableFile
  /** Where it is written to. */
  readonly object: ObjectRef
  /** Undefined: the store has its bytes. */
  readonly pack: PackReader | undefined
  readonly facts: ObjectFacts
  /** What the key holds, as far as the catalog knows. */
  readonly expected: Precondition
  readonly signals: FileSignals
  /** Throws when the lease is lost by now. */
  checkLease(): void
  /**
   * Asks the catalog once more whether the file may be written. Rejects with `superseded`, or with `lease_lost` when it
   * is no longer this worker's.
   */
  confirm(): Promise<void>
  /** The file's multipart upload, from the moment there may be one. */
  upload: DeliverableFile['upload']
}

/** One whose bytes lie in the spool. */
export type PackedDelivery = FileDelivery & { readonly pack: PackReader }
