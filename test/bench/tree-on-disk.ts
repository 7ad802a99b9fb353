import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TreeShape } from './tree-lanes.ts'

/** A directory of random files, 100 to a folder. */
export async function writeTree(folder: string, { files, fileBytes }: TreeShape): Promise<void> {
  for (let index = 0; index < files; index++) {
    const directory = join(folder, String(Math.floor(index / 100)))
    if (index % 100 === 0) await mkdir(directory, { recursive: true })
    await writeFile(join(directory, `${index}.bin`), randomBytes(fileBytes))
  }
}
