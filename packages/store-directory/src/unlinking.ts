import { unlink } from 'node:fs/promises'
import { isAbsent } from './errors.ts'

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}
