/**
 * Files that may begin in one turn of the event loop. With four, a file behind another tenant's backlog comes to the store
 * in two thirds of the time that it takes without a limit, at the same cost of processor time; with one or two it comes
 * somewhat sooner still, and a tenth to a fifth of the throughput goes into the turns themselves.
 */
const FILES_A_TURN = 4

/**
 * Spreads the beginnings of many small files over turns of the event loop. Where the processor is what there is too
 * little of, requests that begin sooner end no sooner; they only make each turn longer, and whoever waits for an answer
 * of Postgres or the queue, for another tenant's file, waits a turn for each. Where the store is slow, turns are short,
 * and nobody waits here.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #running = false

  /** First come, first served. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      if (this.#running) return
      this.#running = true
      setImmediate(this.#turn)
    })
  }

  readonly #turn = () => {
    for (const begin of this.#waiting.splice(0, FILES_A_TURN)) begin()
    this.#running = this.#waiting.length > 0
    if (this.#running) setImmediate(this.#turn)
  }
}
