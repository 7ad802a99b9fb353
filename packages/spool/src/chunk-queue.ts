/** Buffers in one `writev`: IOV_MAX of Linux. */
const MAX_BUFFERS = 1024

/** Chunks that wait to be written together. */
export class ChunkQueue {
  #chunks: Buffer[] = []
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  /** Whether as many chunks wait as one write can take, however small they are. */
  get isFull(): boolean {
    return this.#chunks.length >= MAX_BUFFERS
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
  }

  /** Takes the chunks of the next write out of the queue. */
  take(): { chunks: Buffer[]; bytes: number } {
    const chunks = this.#chunks.splice(0, MAX_BUFFERS)
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#bytes -= bytes
    return { chunks, bytes }
  }

  clear(): void {
    this.#chunks = []
    this.#bytes = 0
  }
}
