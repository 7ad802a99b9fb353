/** When the delivery of a file is to stop. */
export interface FileSignals extends Disposable {
  /** At once: the worker must let go of the file, or its delivery is no longer wanted. */
  readonly prompt: AbortSignal
  /**
   * For requests that write the object. Where the delivery is only no longer wanted, they have time to end by
   * themselves, so that it is known whether the object was written.
   */
  readonly patient: AbortSignal
}

/** `letGo`: the lease is lost, or the process stops. `unwanted`: the job was cancelled, or a newer file was accepted. */
export function fileSignals(letGo: AbortSignal, unwanted: AbortSignal, graceMs: number): FileSignals {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onUnwanted = () => {
    timer = setTimeout(() => late.abort(unwanted.reason), graceMs)
  }
  if (unwanted.aborted) onUnwanted()
  else unwanted.addEventListener('abort', onUnwanted, { once: true })
  return {
    prompt: AbortSignal.any([letGo, unwanted]),
    patient: AbortSignal.any([letGo, late.signal]),
    [Symbol.dispose]() {
      unwanted.removeEventListener('abort', onUnwanted)
      clearTimeout(timer)
    },
  }
}
