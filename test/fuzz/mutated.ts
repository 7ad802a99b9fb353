import fc from 'fast-check'

interface Edit {
  readonly kind: 'flip' | 'delete' | 'insert' | 'repeat' | 'cut'
  /** Where in the bytes, 0 to 1. */
  readonly place: number
  readonly length: number
  readonly token: Buffer
}

/** Bytes of the grammar, as they are or with a few edits; `tokens` are what its readers look for. */
export function mutated(
  base: fc.Arbitrary<Buffer>,
  tokens: readonly (string | Buffer)[],
): fc.Arbitrary<Buffer> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    kind: fc.constantFrom('flip', 'delete', 'insert', 'repeat', 'cut'),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 600 })),
    token: fc.oneof(
      fc.constantFrom(...tokens).map((token) => Buffer.from(token as string)),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    ),
  })
  return fc
    .tuple(base, fc.oneof(fc.constant([]), fc.array(edit, { minLength: 1, maxLength: 4 })))
    .map(([bytes, edits]) => edits.reduce(apply, bytes))
}

function apply(bytes: Buffer, { kind, place, length, token }: Edit): Buffer {
  const at = Math.min(Math.floor(place * (bytes.length + 1)), bytes.length)
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  switch (kind) {
    case 'flip':
      return Buffer.concat([
        before,
        after.subarray(0, 1).map((byte) => byte ^ (1 << (length % 8))),
        after.subarray(1),
      ])
    case 'delete':
      return Buffer.concat([before, after.subarray(length)])
    case 'insert':
      return Buffer.concat([before, token, after])
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, length), after])
    case 'cut':
      return before
  }
}
