import { written } from './written.ts'

/** Results go to standard output: a line for a person, an object a line for a script. The rest goes to standard error. */
export class Output {
  readonly json: boolean
  readonly #signal: AbortSignal | undefined

  constructor(json: boolean, signal?: AbortSignal) {
    this.json = json
    this.#signal = signal
  }

  /** One result; resolves when there is room for the next. Without a line, a person is told nothing. */
  async result(value: object, line?: string): Promise<void> {
    const text = this.json ? JSON.stringify(value) : line
    if (text !== undefined) await written(process.stdout, `${text}\n`, this.#signal)
  }

  /** For a person only. */
  remark(line: string): void {
    if (!this.json) console.error(line)
  }
}
