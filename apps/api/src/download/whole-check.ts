import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import type { Sha256Hex } from '@lading/core'
import { LadingError } from '@lading/protocol'

/**
 * Passes bytes on, and holds the last chunk back until the whole is known to be what the catalog says: a download that
 * is not ends short, so that no client can take it for whole. `sha256` undefined compares the length alone.
 */
export function wholeCheck(size: number, sha256: Sha256Hex | undefined): Transform {
  const hash = sha256 === undefined ? undefined : createHash('sha256')
  let held: Buffer | undefined
  let passed = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length
      hash?.update(chunk)
      const previous = held
      held = chunk
      done(null, previous)
    },
    flush(done) {
      if (passed !== size) return done(mismatch(`${passed} bytes came instead of ${size}`))
      if (hash !== undefined && hash.digest('hex') !== sha256) return done(mismatch('its SHA-256 is another'))
      done(null, held)
    },
  })
}

function mismatch(reason: string): LadingError {
  return new LadingError('store_object_mismatch', `the object is not the artifact of the catalog: ${reason}`)
}
