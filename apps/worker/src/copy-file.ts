import type { CopySource } from '@lading/catalog'
import type { StoredObject } from '@lading/core'
import { LadingError } from '@lading/protocol'
import type { WorkerContext } from './context.ts'
import type { FileDelivery } from './file-delivery.ts'
import { intendUpload } from './intend-upload.ts'
import { writeFenced } from './write-fenced.ts'

/**
 * Has the store copy an object of the tenant with the file's bytes. Nothing holds the source fast: the copy is of the one
 * object that the catalog names, by its ETag, and proven as every write is. Fails with `copy_source_gone` when no artifact
 * has these bytes any more.
 */
export async function copyFile(context: WorkerContext, delivery: FileDelivery): Promise<StoredObject> {
  const { store, catalog } = context
  const { file, object, facts, expected, signals } = delivery
  if (expected.kind === 'etag') {
    const there = await store.prove(object, facts, signals.prompt)
    if (there) return there
  }
  const sources = await catalog.delivery.copySources(file.fileId)
  if (sources.length > 0) await intendUpload(context, delivery, file.size)
  for (const source of sources) {
    const copied = await copyFrom(context, delivery, source)
    if (copied) return copied
  }
  throw new LadingError(
    'copy_source_gone',
    'the artifact that has these bytes was deleted, replaced or damaged before they were copied; send the file',
  )
}

/** Undefined: the source is not what the catalog says. */
async function copyFrom(
  { store, log }: WorkerContext,
  delivery: FileDelivery,
  source: CopySource,
): Promise<StoredObject | undefined> {
  const { object, facts, signals } = delivery
  try {
    return await writeFenced(store, delivery, (precondition) =>
      store.copy(source.object, object, facts, {
        precondition,
        ifMatch: source.etag,
        signal: signals.patient,
      }),
    )
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
