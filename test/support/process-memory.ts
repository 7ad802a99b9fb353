import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface MemoryWatch {
  /** Stops watching. The most that the process had in memory, bytes. */
  stop(): Promise<number>
  /** What it had at each look, bytes. */
  readonly samples: readonly number[]
}

const INTERVAL_MS = 500

/** Watches a process's resident memory from outside. The peak is the kernel's own where it keeps one (proc(5), VmHWM). */
export function watchMemory(pid: number): MemoryWatch {
  const samples: number[] = []
  let highest = 0
  const look = async () => {
    const { resident, peak } = await memoryOf(pid)
    samples.push(resident)
    highest = Math.max(highest, resident, peak)
  }
  const timer = setInterval(() => void look(), INTERVAL_MS)
  return {
    samples,
    stop: async () => {
      clearInterval(timer)
      await look()
      return highest
    },
  }
}

async function memoryOf(pid: number): Promise<{ resident: number; peak: number }> {
  if (process.platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
    return { resident: Number(stdout) * 1024, peak: 0 }
  }
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { resident: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024 }
}
