import type fc from 'fast-check'

/** What is fed with inputs, and how. */
export interface Target {
  /** Also that of its folder in the corpus. */
  readonly name: string
  readonly inputs: fc.Arbitrary<Buffer>
  /** Throws what is wrong; refusing the input is not. */
  check(input: Buffer): Promise<void>
}
