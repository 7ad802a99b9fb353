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
  async stopAt(name: Checkpoint, { letPass = 0 } = {}): Promise<number> {
    const reached = join(this.#folder, `${name}.reached`)
    rmSync(reached, { force: true })
    writeFileSync(join(this.#folder, `${name}.hold`), String(letPass))
    await until(() => existsSync(reached), WITHIN)
    return Number(readFileSync(reached, 'utf8'))
  }
}
