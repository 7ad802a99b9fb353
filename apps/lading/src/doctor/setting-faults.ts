import { type Finding, fail } from './finding.ts'

/** A finding for each setting that is not valid. */
export function faultsOf(faults: readonly string[]): Finding[] {
  return faults.map((fault) =>
    fail('settings.valid', fault, 'Correct the variable, or unset it: docs/settings.md.'),
  )
}
