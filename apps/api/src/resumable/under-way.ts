import { LadingError } from '@lading/protocol'

interface Turn {
  readonly interruption: AbortController
  readonly ended: Promise<void>
}

/**
 * The request that works on each upload, in this process. A client that asks again has given up on the request before,
 * whose connection may look alive for minutes: the newer request ends it, and waits until it has.
 */
export class UnderWay {
  readonly #turns = new Map<string, Turn>()

  async begin(uploadId: string): Promise<Disposable & { readonly signal: AbortSignal }> {
    for (let turn = this.#turns.get(uploadId); turn !== undefined; turn = this.#turns.get(uploadId)) {
      turn.interruption.abort(
        new LadingError('upload_locked', 'a newer request for this upload has come', { retryAfter: 1 }),
      )
      await turn.ended
    }
    const interruption = new AbortController()
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    this.#turns.set(uploadId, { interruption, ended })
    return {
      signal: interruption.signal,
      [Symbol.dispose]: () => {
        this.#turns.delete(uploadId)
        resolve()
      },
    }
  }
}
