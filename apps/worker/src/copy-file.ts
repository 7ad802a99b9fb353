import type { CopySource } from '@lading/catalog'
import type { WrittenObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { intendUpload } from './intend-upload.ts'
import { putFile } from './put-file.ts'
import { readObject } from './read-object.ts'
import { writeFenced } from './write-fenced.ts'

/**
 * Delivers a file from an object of the tenant with the same bytes. Nothing holds the source fast: what is copied is the
 * one object that the catalog names, by its ETag, and the copy is proven as every write is. Fails with `copy_source_gone`
 * when no artifact has these bytes any more.
 */
export async function copyFile(context: WorkerContext, delivery: FileDelivery): Promise<WrittenObject> {
  const { store, catalog } = context
  const { file, object, facts, expected, signals } = delivery
  if (expected.kind === 'etag') {
    const there = await store.prove(object, facts, signals.prompt)
    if (there) return { ref: object, facts, ...there }
  }
  for (const source of await catalog.delivery.copySources(file.fileId)) {
    const copied = await unlessSourceIsBad(context, delivery, source, () =>
      copyFrom(context, delivery, source),
    )
    if (copied) return copied
  }
  throw new LadingError(
    'copy_source_gone',
    'the artifact that has these bytes was deleted, replaced or damaged before they were copied; send the file',
  )
}

async function copyFrom(
  context: WorkerContext,
  delivery: FileDelivery,
  source: CopySource,
): Promise<WrittenObject> {
  const { store } = context
  const { file, object, facts, signals } = delivery
  if (file.size < store.minCopySize)
    return await putFile(context, delivery, (target) =>
      readObject(store, source, facts, target, signals.prompt),
    )
  await intendUpload(context, delivery, file.size)
  const stored = await writeFenced(store, delivery, (precondition) =>
    store.copy(source.object, object, facts, {
      precondition,
      ifMatch: source.etag,
      signal: signals.patient,
    }),
  )
  return { ref: object, facts, ...stored }
}

/** Undefined: the source is not what the catalog says. */
async function unlessSourceIsBad(
  { store, log }: WorkerContext,
  { facts, signals }: FileDelivery,
  source: CopySource,
  copy: () => Promise<WrittenObject>,
): Promise<WrittenObject | undefined> {
  try {
    return await copy()
  } catch (error) {
    if (!(error instanceof LadingError) || !MAY_BE_THE_SOURCE.has(error.code)) throw error
    const good = await store.prove(source.object, facts, signals.prompt)
    if (good?.etag === source.etag) throw error
    log.warn({ err: error, uri: store.uri(source.object) }, 'an artifact is no longer what it was')
    return undefined
  }
}

const MAY_BE_THE_SOURCE: ReadonlySet<string> = new Set([
  'store_object_missing',
  'store_precondition_failed',
  'store_checksum_mismatch',
  'store_object_mismatch',
])
