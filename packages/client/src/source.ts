/** What can be read again, from any byte: a `Blob`, and a file of the disk. */
export interface Source {
  /** Bytes. */
  readonly size: number
  /** Changes with the bytes, where something but they tells that they changed. */
  readonly version?: string
  slice(start: number, end: number): Source
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
}

/** What can be logged. */
export type Bytes = Source | Uint8Array | ArrayBuffer

export function sourceOf(bytes: Bytes): Source {
  return isSource(bytes) ? bytes : new Blob([bytes as Uint8Array<ArrayBuffer> | ArrayBuffer])
}

/** For what is small. */
export async function inMemory(bytes: Bytes): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes
  return new Uint8Array(isSource(bytes) ? await new Response(bytes.stream()).arrayBuffer() : bytes)
}

export function sizeOf(bytes: Bytes): number {
  return isSource(bytes) ? bytes.size : bytes.byteLength
}

function isSource(bytes: Bytes): bytes is Source {
  return 'stream' in bytes
}
