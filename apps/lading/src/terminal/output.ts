/** Results go to standard output: a line for a person, an object a line for a script. The rest goes to standard error. */
export class Output {
  readonly #json: boolean

  constructor(json: boolean) {
    this.#json = json
  }

  /** One result. Without a line, a person is told nothing. */
  result(value: object, line?: string): void {
    if (this.#json) console.log(JSON.stringify(value))
    else if (line !== undefined) console.log(line)
  }

  /** For a person only. */
  remark(line: string): void {
    if (!this.#json) console.error(line)
  }
}
