import type { FileHandle } from 'node:fs/promises'
import type { ObjectFacts, ObjectRef, StoredObject, WriteOptions } from '@lading/core'
import type { DirectoryContext } from './context.ts'
import { classified, hasErrno } from './errors.ts'
import { openObject } from './objects.ts'
import { holdsChecksum } from './proof.ts'
import { publish } from './publishing.ts'
import { linked } from './second-name.ts'
import { etagOf, stampAgain } from './versions.ts'

/** See `ObjectStore.adopt`. */
export async function adopt(
  store: DirectoryContext,
  ref: ObjectRef,
  path: string,
  facts: ObjectFacts,
  options: WriteOptions,
): Promise<StoredObject | undefined> {
  options.signal.throwIfAborted()
  return await classified(`Taking over a file as ${ref.bucket}/${ref.key}`, async () => {
    const source = await openObject(path)
    if (source === undefined) return undefined
    try {
      return await publish(store, ref, facts, options, (temporary) =>
        secondName(path, source, temporary, facts, options.signal),
      )
    } catch (error) {
      if (error instanceof NotAdopted) return undefined
      throw error
    } finally {
      await source.close()
    }
  })
}

async function secondName(
  path: string,
  source: FileHandle,
  temporary: string,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<string> {
  const { size } = await source.stat()
  // Of many files in one, none is the whole. Asked first, as it costs nothing.
  if (size !== facts.size || !(await linked(path, source, temporary))) throw new NotAdopted()
  await ready(source, facts)
  await source.sync()
  const stats = await source.stat({ bigint: true })
  if (!(await holdsChecksum(source, stats.size, facts, signal))) throw new NotAdopted()
  return etagOf(stats)
}

/** As a new object is: readable for all, and with a time that its ETag is made of. Both are for its owner alone to give. */
async function ready(source: FileHandle, facts: ObjectFacts): Promise<void> {
  try {
    await source.chmod(0o644)
    await stampAgain(source, facts.crc32)
  } catch (error) {
    throw hasErrno(error, 'EPERM') ? new NotAdopted({ cause: error }) : error
  }
}

/** The bytes have to be copied. */
class NotAdopted extends Error {
  constructor(options?: ErrorOptions) {
    super('the file cannot be the object', options)
  }
}
