import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** What is there at the path, or the nearest above it: the doctor makes no directories. */
export async function existing(path: string): Promise<string> {
  const here = resolve(path)
  const found = await stat(here).then(
    () => true,
    () => false,
  )
  return found || dirname(here) === here ? here : existing(dirname(here))
}
