import { randomUUID } from 'node:crypto'
import type { StoreCapabilities } from '@lading/core'
import { cleared } from './clearing.ts'
import type { S3Context } from './context.ts'
import { askWhatItReports, askWhetherItVerifies } from './probe-checksums.ts'
import { askForConditions, askForConditionsOfCopies } from './probe-conditions.ts'
import { remove } from './remove.ts'
import { capabilities, KnownTraits } from './traits.ts'

/** What the keys of a probe's objects begin with, after the prefix. */
export const PROBE_KEY = '.lading-probe-'

const QUESTIONS = [askWhetherItVerifies, askWhatItReports, askForConditions, askForConditionsOfCopies]

/** Finds out what a bucket's store verifies, by lying to it a little, and remembers it for the writes that follow. */
export async function probe(
  s3: S3Context,
  bucket: string,
  prefix: string,
  signal: AbortSignal,
): Promise<StoreCapabilities> {
  const ref = { bucket, key: `${prefix}${PROBE_KEY}${randomUUID()}` }
  // Writes that run meanwhile go by what is known so far.
  const asking = { ...s3, traits: new KnownTraits() }
  await cleared(
    async () => {
      for (const question of QUESTIONS) asking.traits.learn(bucket, await question(asking, ref, signal))
    },
    (signal) => remove(s3, ref, { signal }),
    signal,
  )
  s3.traits.learn(bucket, asking.traits.of(bucket))
  return capabilities(s3.traits.of(bucket))
}
