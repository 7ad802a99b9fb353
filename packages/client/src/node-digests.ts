import { createHash } from 'node:crypto'
import type { TakeDigests } from './sha256.ts'

/** By the native code of Node. */
export const nodeDigests: TakeDigests = {
  begin() {
    const hash = createHash('sha256')
    return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
  },
  whole: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
}
