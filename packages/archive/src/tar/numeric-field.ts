const SPACE = 0x20
const ZERO = 0x30
const SEVEN = 0x37

/**
 * A number in a field of a tar header: octal digits after any spaces and before spaces or NULs (POSIX.1-1988, 10.1.1),
 * or base-256 in two's complement after a byte 0x80 or 0xff (GNU tar, star). Undefined if it is neither, has no
 * digit, or does not fit a safe integer.
 */
export function numericField(block: Buffer, from: number, length: number): number | undefined {
  const first = block[from] as number
  if (first === 0x80 || first === 0xff) return base256(block, from + 1, length - 1, first === 0xff)
  return octal(block, from, from + length)
}

/** Whether a field holds nothing but spaces and NULs. */
export function isBlank(block: Buffer, from: number, length: number): boolean {
  for (let at = from; at < from + length; at++) if (block[at] !== 0 && block[at] !== SPACE) return false
  return true
}

function octal(block: Buffer, from: number, end: number): number | undefined {
  let at = from
  while (at < end && block[at] === SPACE) at++
  const start = at
  let value = 0
  for (; at < end; at++) {
    const byte = block[at] as number
    if (byte < ZERO || byte > SEVEN) break
    value = value * 8 + byte - ZERO
  }
  return at > start && isBlank(block, at, end - at) ? value : undefined
}

function base256(block: Buffer, from: number, length: number, negative: boolean): number | undefined {
  let value = 0
  for (let at = from; at < from + length; at++) {
    const byte = block[at] as number
    value = value * 256 + (negative ? 255 - byte : byte)
    if (value > Number.MAX_SAFE_INTEGER) return undefined
  }
  return negative ? -1 - value : value
}
