import { createHash, type Hash } from 'node:crypto'
import type { Sha256, TakeDigests } from './sha256.ts'

/** By the native code of Node. */
export const nodeDigests: TakeDigests = {
  begin: () => sha256By(createHash('sha256')),
  whole: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
}

function sha256By(hash: Hash): Sha256 {
  return {
    update: (bytes) => void hash.update(bytes),
    copy: () => sha256By(hash.copy()),
    hex: () => hash.digest('hex'),
  }
}
