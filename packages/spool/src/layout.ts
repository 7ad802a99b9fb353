import assert from 'node:assert/strict'
import { join } from 'node:path'

/**
 * Where things lie in a spool's directory. A pack is written in `incoming` and moved to `packs` when it is sealed, so
 * that whatever has a name there is whole. One that comes in several requests lies in `growing` between them. All are
 * on one file system, as a rename must be.
 */
export class SpoolLayout {
  readonly root: string
  readonly identity: string
  readonly incoming: string
  readonly packs: string
  readonly growing: string

  constructor(root: string) {
    this.root = root
    this.identity = join(root, 'spool-id')
    this.incoming = join(root, 'incoming')
    this.packs = join(root, 'packs')
    this.growing = join(root, 'growing')
  }

  incomingPack(packId: string): string {
    return join(this.incoming, safe(packId))
  }

  growingPack(packId: string): string {
    return join(this.growing, safe(packId))
  }

  sealedPack(packId: string): string {
    return join(this.packs, safe(packId))
  }
}

export function isPackId(name: string): boolean {
  return /^[0-9a-f-]{36}$/.test(name)
}

/** Pack ids are made by Lading and never by a client: another one is a fault of the program. */
function safe(packId: string): string {
  assert(isPackId(packId), `not a pack id: ${JSON.stringify(packId)}`)
  return packId
}
