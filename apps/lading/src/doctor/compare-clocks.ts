import { type Finding, fail, ok, warn } from './finding.ts'

/** `aheadMs`, and the limits from which it is told of and fails, are milliseconds. */
export function compared(
  check: string,
  aheadMs: number,
  whose: string,
  warnMs: number,
  failMs: number,
): Finding {
  const off = Math.abs(aheadMs)
  const found = `${whose} is ${(off / 1000).toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead'}`
  if (off < warnMs) return ok(check, found)
  const mend = 'Set both clocks by NTP (`timedatectl set-ntp true`).'
  return off < failMs ? warn(check, found, mend) : fail(check, found, mend)
}
