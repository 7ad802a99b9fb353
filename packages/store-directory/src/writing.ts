import { type FileHandle, open } from 'node:fs/promises'
import type { ObjectFacts, ObjectRef } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { holdsFacts } from './proof.ts'
import { etagOf, stamp } from './versions.ts'

/** Writes a new file that is to become an object: flushed and proven when it resolves, with the ETag that it has. */
export async function writeProven(
  path: string,
  ref: ObjectRef,
  facts: ObjectFacts,
  signal: AbortSignal,
  write: (file: FileHandle) => Promise<void>,
): Promise<string> {
  const file = await open(path, 'wx+', 0o644)
  try {
    await write(file)
    await stamp(file)
    return await flushAndProve(file, ref, facts, signal)
  } finally {
    await file.close()
  }
}

/** Flushes and proves a file, and gives its ETag; `store_object_mismatch` when it does not have these facts. */
export async function flushAndProve(
  file: FileHandle,
  ref: ObjectRef,
  facts: ObjectFacts,
  signal: AbortSignal,
): Promise<string> {
  await file.sync()
  const stats = await file.stat({ bigint: true })
  if (!(await holdsFacts(file, stats.size, facts, signal))) throw mismatch(ref)
  return etagOf(stats)
}

function mismatch(ref: ObjectRef): LadingError {
  return new LadingError(
    'store_object_mismatch',
    `What was written for ${ref.bucket}/${ref.key}, read back, is not the file that was accepted. It is sent again.`,
  )
}
