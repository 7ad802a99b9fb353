import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface SmallDisk extends AsyncDisposable {
  readonly directory: string
}

/** A file system in memory with so much room and no more. Needs root, as in a container; the error says so. */
export async function mountSmallDisk(disk: { size: string; inodes?: number }): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), 'lading-disk-'))
  const inodes = disk.inodes === undefined ? '' : `,nr_inodes=${disk.inodes}`
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${disk.size}${inodes}`, 'tmpfs', directory])
  } catch (error) {
    await rm(directory, { recursive: true })
    throw new Error('a case with a small disk mounts a tmpfs, which only root may: run it as root', {
      cause: error,
    })
  }
  return {
    directory,
    async [Symbol.asyncDispose]() {
      await run('umount', ['-l', directory])
      await rm(directory, { recursive: true })
    },
  }
}
