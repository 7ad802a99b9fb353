import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedPack } from '@lading/core'
import { isPackId, type SpoolLayout } from './layout.ts'
import { isAbsent, writeFault } from './spool-fault.ts'

/**
 * Every pack, unsealed ones first: one that is sealed meanwhile is listed twice rather than never. A few names are in
 * memory at a time. What is no pack is passed over.
 */
export async function* listPacks(layout: SpoolLayout): AsyncIterable<ListedPack> {
  yield* packsIn(layout.incoming, false)
  yield* packsIn(layout.packs, true)
}

/** Packs whose upload is not complete. */
export function listGrowing(layout: SpoolLayout): AsyncIterable<ListedPack> {
  return packsIn(layout.growing, false)
}

async function* packsIn(directory: string, sealed: boolean): AsyncIterable<ListedPack> {
  const entries = await opendir(directory).catch((error: unknown) => {
    throw writeFault(error)
  })
  for await (const { name } of entries) {
    if (!isPackId(name)) continue
    const pack = await describe(directory, name, sealed)
    if (pack !== undefined) yield pack
  }
}

/** `undefined` for a pack that has gone since its name was read. */
async function describe(directory: string, packId: string, sealed: boolean): Promise<ListedPack | undefined> {
  try {
    const { size, mtime } = await lstat(join(directory, packId))
    return { packId, size, modifiedAt: mtime, sealed }
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw writeFault(error)
  }
}
