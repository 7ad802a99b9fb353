import { readFileSync, writeFileSync } from 'node:fs'

/** Ticks a second in /proc (sysconf(3) `_SC_CLK_TCK`): 100 on every Linux that Node runs on. */
const TICKS = 100

/** Seconds of processor time that the process has used, in user and in kernel mode. Linux only (proc_pid_stat(5)). */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses, which may hold spaces; `utime` is the 14th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** Bytes of memory that the process has, and had at most. Linux only (proc_pid_status(5)). */
export function residentBytes(pid: number): { now: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** Lets the most memory that the process had begin again with what it has now. Linux only (proc_pid_clear_refs(5)). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
