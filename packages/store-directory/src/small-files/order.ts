import type { ObjectFacts } from '@lading/core'

/** A small file that the thread is to write, prove, and give its name. */
export interface Order {
  /** Where it is made, on the file system of `path`. */
  readonly temporary: string
  /** The name that it gets, if nothing has it; its directory is there. */
  readonly path: string
  readonly facts: Pick<ObjectFacts, 'size' | 'sha256' | 'crc32'>
  /** Its time of modification, seconds. */
  readonly seconds: number
}

/** What goes to the thread: orders, and their bytes one behind the other. */
export interface Batch {
  readonly batchId: number
  readonly orders: readonly Order[]
  readonly bytes: Uint8Array
}

/** What comes back: for each order the ETag of its file, or `undefined` where it has to be written in the ordinary way. */
export interface Written {
  readonly batchId: number
  readonly etags: readonly (string | undefined)[]
}
