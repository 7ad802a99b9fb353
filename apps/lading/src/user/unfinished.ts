import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What is noted of an upload until its job is sealed, so that the same command goes on with it. */
export interface Note {
  readonly job_id: string
  /** Of its large files' parts. */
  readonly key: string
  /** Of the process that sends it. */
  readonly pid: number
}

/** The note of one upload, by what makes two commands the same: server, tenant, run, paths and options. */
export class Unfinished {
  readonly #file: string

  constructor(what: readonly string[], environment: Readonly<Record<string, string | undefined>>) {
    const state = environment.XDG_STATE_HOME || join(homedir(), '.local', 'state')
    const name = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32)
    this.#file = join(state, 'lading', 'uploads', `${name}.json`)
  }

  /** Undefined: there is none, or a process that runs has it. */
  async read(): Promise<Note | undefined> {
    try {
      const note = JSON.parse(await readFile(this.#file, 'utf8')) as Note
      return note.pid !== process.pid && isAlive(note.pid) ? undefined : note
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Fails as `writeFile`: then the upload can be made, and not be resumed. */
  async write(note: Omit<Note, 'pid'>): Promise<void> {
    await mkdir(join(this.#file, '..'), { recursive: true, mode: 0o700 })
    await writeFile(this.#file, JSON.stringify({ ...note, pid: process.pid } satisfies Note), { mode: 0o600 })
  }

  async forget(): Promise<void> {
    await rm(this.#file, { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
