import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import type { ObjectFacts, StoredObject } from '@lading/core'
import { isAbsent } from './errors.ts'
import { holdsFacts } from './proof.ts'
import { etagOf } from './versions.ts'

/** Opens the object at a path; `undefined` when there is none. A directory is none, as on S3. */
export async function openObject(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle
  try {
    // A pipe that someone put there must not keep the caller waiting for its other end.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return undefined
}

/** Proves that the file at a path has these facts; `undefined` when there is none, or another. */
export async function prove(
  path: string,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<StoredObject | undefined> {
  const file = await openObject(path)
  if (file === undefined) return undefined
  try {
    const stats = await file.stat({ bigint: true })
    const holds = await holdsFacts(file, stats.size, facts, signal)
    return holds ? { etag: etagOf(stats), proof: 'read-back' } : undefined
  } finally {
    await file.close()
  }
}

export async function currentEtag(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path, { bigint: true })
    return stats.isFile() ? etagOf(stats) : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}
