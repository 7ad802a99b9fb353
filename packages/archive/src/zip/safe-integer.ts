/** An unsigned number of 64 bits; infinite if it is beyond what is counted exactly, which no limit lets through. */
export function readUInt64(bytes: Buffer, at: number): number {
  const value = bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at)
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY
}
