const PAGE = 64 * 1024

/** Many small buffers as few large ones, without copying what is there already when more comes. */
export class Pages {
  readonly #full: Buffer[] = []
  #page = Buffer.allocUnsafeSlow(PAGE)
  #used = 0
  #bytes = 0

  /** Bytes of all that was added. */
  get length(): number {
    return this.#bytes
  }

  add(bytes: Buffer): void {
    this.#bytes += bytes.length
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#page, this.#used, at)
      at += copied
      this.#used += copied
      if (this.#used === PAGE) this.#turn()
    }
  }

  pages(): Buffer[] {
    return [...this.#full, this.#page.subarray(0, this.#used)]
  }

  #turn(): void {
    this.#full.push(this.#page)
    this.#page = Buffer.allocUnsafeSlow(PAGE)
    this.#used = 0
  }
}
