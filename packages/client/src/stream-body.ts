/** A stream on its way as the body of a request: what it fails with is known, and what nobody reads further is closed. */
export class StreamBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #failure: { readonly reason: unknown } | undefined

  constructor(source: ReadableStream<Uint8Array>) {
    const reader = source.getReader()
    this.#reader = reader
    this.stream = new ReadableStream(
      {
        pull: async (controller) => {
          const { done, value } = await this.#read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /** Why the stream itself failed. Undefined: it did not. `fetch` tells it as a fault of the connection. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure
  }

  /** After a request that failed: `fetch` leaves the stream open of which the server read no more. */
  async giveUp(): Promise<void> {
    // One that has failed is closed already.
    await this.#reader.cancel().catch(() => undefined)
  }

  async #read() {
    try {
      return await this.#reader.read()
    } catch (reason) {
      this.#failure = { reason }
      throw reason
    }
  }
}
