import type { StoreCapabilities } from '@lading/core'

/** What is known of a bucket's store: by its probe, by an answer that taught it, or not yet. */
export interface Traits {
  /** Refuses bytes that do not match the CRC-32 sent with them. */
  readonly verifiesChecksums: boolean | undefined
  /** Reports a full-object CRC-32 that it took itself, of objects of one request and of parts. */
  readonly reportsChecksums: boolean | undefined
  /** Reports that, or of an upload in parts the checksum of the parts' checksums: either is a proof. */
  readonly keepsChecksums: boolean | undefined
  /** `If-Match` and `If-None-Match` hold on Put and Complete. */
  readonly conditionalWrites: boolean | undefined
  /** `If-Match` and `If-None-Match` hold on CopyObject, for the object that it replaces. */
  readonly conditionalCopies: boolean | undefined
  /** Takes the CRC-32 of each range that it copies into a part. */
  readonly sumsCopiedParts: boolean
  /** Takes the headers of checksums at all. */
  readonly takesChecksums: boolean
  /** Takes the checksum of the whole object, instead of one of the parts' checksums, at the end of an upload. */
  readonly takesFullObject: boolean
  /** ETags are MD5s, so that one that differs is a proof of other bytes. */
  readonly md5Etags: boolean | undefined
}

/** What is assumed of a store that was not probed: S3 as it is documented. Nothing is proven by what is undefined. */
const UNPROBED: Traits = {
  verifiesChecksums: undefined,
  reportsChecksums: undefined,
  keepsChecksums: undefined,
  conditionalWrites: undefined,
  conditionalCopies: undefined,
  sumsCopiedParts: true,
  takesChecksums: true,
  takesFullObject: true,
  md5Etags: undefined,
}

/** Traits by bucket: encryption, and with it the meaning of ETags, is a bucket's own. */
export class KnownTraits {
  readonly #byBucket = new Map<string, Traits>()

  of(bucket: string): Traits {
    return this.#byBucket.get(bucket) ?? UNPROBED
  }

  /** The same with another belief about one bucket, which only the requests made with it go by. */
  assuming(bucket: string, assumed: Partial<Traits>): KnownTraits {
    const traits = new KnownTraits()
    traits.learn(bucket, { ...this.of(bucket), ...assumed })
    return traits
  }

  learn(bucket: string, learnt: Partial<Traits>): void {
    this.#byBucket.set(bucket, { ...this.of(bucket), ...learnt })
  }
}

export function capabilities(traits: Traits): StoreCapabilities {
  return {
    verifiesChecksums: traits.verifiesChecksums === true,
    reportsChecksums: traits.reportsChecksums === true,
    conditionalWrites: traits.conditionalWrites === true,
  }
}
