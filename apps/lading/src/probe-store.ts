import type { Context } from './context.ts'

/** Asks the object store what it verifies, and logs it: whoever is paged for a lost byte wants to know. */
export async function probeStore({ store, config, log }: Context): Promise<void> {
  try {
    const found = await store.probe(config.bucket, '', AbortSignal.timeout(30_000))
    log.info({ bucket: config.bucket, ...found }, 'the object store was probed')
    if (!found.verifiesChecksums || !found.conditionalWrites) {
      log.warn(
        { bucket: config.bucket },
        'the object store does not check all that Lading sends; docs/guarantees.md says what that means',
      )
    }
  } catch (error) {
    log.warn(
      { err: error, bucket: config.bucket },
      'the object store could not be probed; deliveries are tried all the same',
    )
  }
}
