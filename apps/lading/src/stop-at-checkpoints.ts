import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { atCheckpoints, type Checkpoint } from '@lading/core'

/**
 * For fault tests: a process that comes to a checkpoint of which the folder has a file `NAME.hold` renames that to
 * `NAME.reached`, writes its process id into it and stops itself, as if frozen; the test kills it or lets it go on. The file
 * holds how many pass before that; a second number is for how many milliseconds the event loop is blocked instead. A
 * file stops one process, once.
 */
export function stopAtCheckpoints(folder: string): void {
  const passed = new Map<Checkpoint, number>()
  atCheckpoints((name) => {
    const hold = join(folder, `${name}.hold`)
    const [letPass, blockMs] = numbersIn(hold)
    if (letPass === undefined) return
    const before = passed.get(name) ?? 0
    passed.set(name, before + 1)
    if (before < letPass || !claimed(hold, join(folder, `${name}.claimed`))) return
    // The name comes last: whoever sees it finds the process id in it.
    writeFileSync(join(folder, `${name}.claimed`), String(process.pid))
    renameSync(join(folder, `${name}.claimed`), join(folder, `${name}.reached`))
    if (blockMs === undefined) process.kill(process.pid, 'SIGSTOP')
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
  })
}

function numbersIn(file: string): number[] {
  try {
    return readFileSync(file, 'utf8').split(' ').map(Number)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Of several processes one succeeds in the renaming. */
function claimed(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
