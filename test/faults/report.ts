import type { Outcome } from './run-case.ts'

const COLUMNS = ['accepted', 'delivered', 'lost', 'duplicated', 'orphaned', 'recovery'] as const

export const HEAD = `${'fault'.padEnd(36)}${COLUMNS.map((name) => name.padStart(11)).join('')}`

export function row({ name, recoveryMs, ...counts }: Outcome): string {
  const cells = [
    counts.accepted,
    counts.delivered,
    counts.lost,
    counts.duplicated,
    counts.orphaned,
    `${(recoveryMs / 1000).toFixed(1)} s`,
  ]
  return `${name.padEnd(36)}${cells.map((cell) => String(cell).padStart(11)).join('')}`
}

/** Whether all that was accepted was delivered, once, and nothing else is left. */
export function isSound({ faults, accepted, delivered }: Outcome): boolean {
  return faults.length === 0 && accepted === delivered
}
