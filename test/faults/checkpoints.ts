import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Checkpoint } from '@lading/core'
import { until } from '../support/deadline.ts'
import { WITHIN } from '../support/patience.ts'

/** Stops processes of the system at an exact point: see `apps/lading/src/stop-at-checkpoints.ts`. */
export class Checkpoints {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The process that comes to the point next, after so many were let pass, is stopped there. Its id. */
  stopAt(name: Checkpoint, { letPass = 0 } = {}): Promise<number> {
    return this.#hold(name, String(letPass))
  }

  /** The process that comes to the point next stays there for so many milliseconds, and nothing else of its code runs. */
  blockAt(name: Checkpoint, milliseconds: number): Promise<number> {
    return this.#hold(name, `0 ${milliseconds}`)
  }

  async #hold(name: Checkpoint, how: string): Promise<number> {
    const reached = join(this.#folder, `${name}.reached`)
    rmSync(reached, { force: true })
    writeFileSync(join(this.#folder, `${name}.hold`), how)
    await until(() => existsSync(reached), WITHIN)
    return Number(readFileSync(reached, 'utf8'))
  }
}
