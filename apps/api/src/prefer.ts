/**
 * Seconds of `Prefer: wait=N` (RFC 7240, 4.3), or undefined. Preferences that are not understood are passed over, as the
 * RFC has it (section 2), and of several the first counts.
 */
export function preferredWait(header: string | string[] | undefined): number | undefined {
  const value = Array.isArray(header) ? header.join(',') : (header ?? '')
  for (const preference of value.split(',')) {
    const match = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;|$)/i.exec(preference)
    if (match?.[1] !== undefined) return Number(match[1])
  }
  return undefined
}
