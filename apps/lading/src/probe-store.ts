import { PROBE_KEY } from '@lading/store-s3'
import type { Context } from './context.ts'

const LIMIT_MS = 30_000
/** Age of a probe's objects at which whoever asked is surely gone. */
const LEFT_MS = 3_600_000

/** Asks the object store what it verifies, and logs it: whoever is paged for a lost byte wants to know. */
export async function probeStore({ store, config, log }: Context): Promise<void> {
  const { bucket } = config
  try {
    const found = await store.probe(bucket, '', AbortSignal.timeout(LIMIT_MS))
    log.info({ bucket, ...found }, 'the object store was probed')
    if (!found.verifiesChecksums || !found.conditionalWrites) {
      log.warn(
        { bucket },
        'the object store does not check all that Lading sends; docs/guarantees.md says what that means',
      )
    }
    await clearProbes({ store, bucket }, AbortSignal.timeout(LIMIT_MS))
  } catch (error) {
    log.warn(
      { err: error, bucket },
      'the object store could not be probed; deliveries are tried all the same',
    )
  }
}

/** What a process that was killed while it asked has left. */
async function clearProbes(
  { store, bucket }: Pick<Context, 'store'> & { bucket: string },
  signal: AbortSignal,
): Promise<void> {
  const before = Date.now() - LEFT_MS
  for await (const { key, modifiedAt } of store.list(bucket, PROBE_KEY, signal)) {
    if (modifiedAt.getTime() < before) await store.delete({ bucket, key }, { signal })
  }
  for await (const { key, uploadId, startedAt } of store.listUploads(bucket, PROBE_KEY, signal)) {
    if (startedAt.getTime() < before) await store.abortUpload({ bucket, key }, uploadId, signal)
  }
}
