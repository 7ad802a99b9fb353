import type { ObjectStore } from '@lading/core'
import { LadingError } from '@lading/protocol'
import { Counter, Histogram, type Registry } from 'prom-client'

/** The operations that are measured: those that end with a promise. */
const OPERATIONS = [
  'probe',
  'check',
  'put',
  'write',
  'proveWritten',
  'createUpload',
  'uploadPart',
  'listParts',
  'completeUpload',
  'abortUpload',
  'head',
  'prove',
  'copy',
  'get',
  'delete',
] as const satisfies readonly (keyof ObjectStore)[]

/** The same store, with its operations counted by how they ended, and timed. */
export function measured(store: ObjectStore, registry: Registry): ObjectStore {
  const requests = new Counter({
    name: 'lading_store_operations_total',
    help: 'Operations of the object store, by operation and by status (ok, or the error code).',
    labelNames: ['operation', 'status'],
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'lading_store_operation_seconds',
    help: 'Duration of operations of the object store, seconds.',
    labelNames: ['operation'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  })
  const watch = <A extends unknown[], R>(operation: string, call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const ended = seconds.startTimer({ operation })
      let status = 'ok'
      try {
        return await call(...args)
      } catch (error) {
        status = error instanceof LadingError ? error.code : 'aborted'
        throw error
      } finally {
        ended()
        requests.inc({ operation, status })
      }
    }
  }
  const calls = Object.fromEntries(
    OPERATIONS.map((name) => {
      const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>
      return [name, watch(name, call)]
    }),
  ) as Partial<ObjectStore>
  return {
    scheme: store.scheme,
    minPartSize: store.minPartSize,
    maxParts: store.maxParts,
    maxPutSize: store.maxPutSize,
    minCopySize: store.minCopySize,
    uri: (ref) => store.uri(ref),
    list: (bucket, prefix, signal) => store.list(bucket, prefix, signal),
    listUploads: (bucket, prefix, signal) => store.listUploads(bucket, prefix, signal),
    close: () => store.close(),
    ...(store.adopt && { adopt: watch('adopt', store.adopt.bind(store)) }),
    ...(calls as Pick<ObjectStore, (typeof OPERATIONS)[number]>),
  }
}
