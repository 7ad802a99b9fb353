import { browserDigests } from './browser-digests.ts'
import { Lading } from './lading.ts'
import type { LadingOptions } from './options.ts'

export * from './surface.ts'

/** A client for browsers, and wherever else there is `fetch`. */
export function connect(options: LadingOptions): Lading {
  return new Lading(options, browserDigests)
}
