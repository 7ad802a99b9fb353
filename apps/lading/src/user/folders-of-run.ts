import type { Run } from '@lading/client'

/** The empty directories that a directory of a run holds. They are asked for once, when one is looked for. */
export class FoldersOfRun {
  readonly #run: Run
  readonly #directory: string
  readonly #signal: AbortSignal
  #folders: Promise<ReadonlySet<string>> | undefined

  constructor(run: Run, directory: string, signal: AbortSignal) {
    this.#run = run
    this.#directory = directory
    this.#signal = signal
  }

  /** `path` is below the directory, with a slash at its end. */
  async has(path: string): Promise<boolean> {
    this.#folders ??= this.#ask()
    return (await this.#folders).has(path)
  }

  async #ask(): Promise<ReadonlySet<string>> {
    const path = this.#directory.replace(/\/$/, '')
    const above = path === '' ? '' : `${path}/`
    const folders = new Set<string>()
    for await (const artifact of this.#run.artifacts({ path, recursive: true, signal: this.#signal }))
      if (artifact.is_dir) folders.add(`${artifact.path.slice(above.length)}/`)
    return folders
  }
}
