import type { System, SystemOptions } from '../support/system.ts'
import type { LadingProcess } from '../support/system-process.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { FaultServers } from './fault-servers.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'

/** What a fault is done to, and what came of it by the client's own record. */
export interface Scene {
  readonly system: System
  readonly servers: FaultServers
  readonly checkpoints: Checkpoints
  readonly random: Random
  /** What clients were told. */
  readonly ledger: Ledger
  /** When every upload of the load was accepted or refused. */
  readonly loaded: Promise<void>
  /** A run for what the case itself uploads; the load has others. */
  readonly run: string
}

/** One fault. A line of docs/faults.md; the test of the list holds the two together. */
export interface FaultCase {
  /** Of lower-case words with hyphens. */
  readonly name: string
  /** What happens, in a few words. */
  readonly fault: string
  /** What is expected besides what always is: that nothing is lost, duplicated or orphaned. */
  readonly expected: string
  readonly env?: Readonly<Record<string, string>>
  readonly processes?: Pick<SystemOptions, 'apis' | 'workers'>
  /** The file system of the spool: a small one of its own, in memory. */
  readonly disk?: { readonly size: string; readonly inodes?: number }
  /** `none`: the case sends all there is by itself. */
  readonly load?: 'none'
  /** Before the system starts. */
  before?(servers: FaultServers): Promise<void>
  /**
   * Does the fault while the load is under way, and mends what does not mend by itself. It is called before the load
   * begins, and what it does up to its first `await` is done by then.
   */
  inject(scene: Scene): Promise<void>
}

/** The process of the system with that id. */
export function processOf({ system }: Scene, pid: number): LadingProcess {
  const found = [...system.apis, ...system.workers].find((process) => process.pid === pid)
  if (found === undefined) throw new Error(`no process of the system has the id ${pid}`)
  return found
}
