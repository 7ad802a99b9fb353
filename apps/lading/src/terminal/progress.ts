import type { WriteStream } from 'node:tty'
import { progressLine, type Standing } from './progress-line.ts'
import { Rate } from './rate.ts'

/** Milliseconds between two drawings on a terminal, and between two lines elsewhere. */
const LIVE_MS = 100
const PLAIN_MS = 5_000
/** Too few for a bar, which nobody reads in a log. */
const PLAIN_COLUMNS = 99

/** Shows how far something is: one line that changes on a terminal, a line now and then elsewhere. */
export interface Progress extends Disposable {
  /** `what` is said before the figures where lines are plain. */
  show(what: string, standing: Standing): void
}

export function progressOn(stream: WriteStream, mode: 'live' | 'plain' | 'off'): Progress {
  if (mode === 'off') return { show() {}, [Symbol.dispose]() {} }
  return mode === 'live' ? new LiveProgress(stream) : new PlainProgress(stream)
}

/** `LADING_PROGRESS` is `auto`, `on` or `off`, as it is for the Python package. */
export function progressMode(
  stream: WriteStream,
  environment: Readonly<Record<string, string | undefined>>,
): 'live' | 'plain' | 'off' {
  if (environment.LADING_PROGRESS === 'off') return 'off'
  return stream.isTTY && environment.TERM !== 'dumb' ? 'live' : 'plain'
}

class LiveProgress implements Progress {
  readonly #stream: WriteStream
  #rate = new Rate()
  #what = ''
  #drawnAt = Number.NEGATIVE_INFINITY

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show(what: string, standing: Standing): void {
    const now = performance.now()
    if (what !== this.#what) this.#rate = new Rate()
    if (what === this.#what && now - this.#drawnAt < LIVE_MS && !isEnd(standing)) return
    this.#what = what
    this.#drawnAt = now
    // A terminal that does not know its width says 0.
    const columns = this.#stream.columns || 80
    const figures = progressLine(standing, this.#rate.after(standing.bytes, now), columns - what.length - 2)
    this.#stream.write(`\r\x1b[K${what} ${figures}`)
  }

  /** What follows is written where the line was. */
  [Symbol.dispose](): void {
    if (this.#what !== '') this.#stream.write('\r\x1b[K')
  }
}

class PlainProgress implements Progress {
  readonly #stream: WriteStream
  readonly #rate = new Rate()
  #toldAt = performance.now()

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  show(what: string, standing: Standing): void {
    const now = performance.now()
    const rate = this.#rate.after(standing.bytes, now)
    if (now - this.#toldAt < PLAIN_MS) return
    this.#toldAt = now
    this.#stream.write(`${what} ${progressLine(standing, rate, PLAIN_COLUMNS)}\n`)
  }

  [Symbol.dispose](): void {}
}

function isEnd({ files, filesTotal }: Standing): boolean {
  return files === filesTotal
}
