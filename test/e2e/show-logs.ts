import type { TestContext } from 'vitest'
import type { System } from '../support/system.ts'

/** A failure of the system shows best in what its processes said. */
export function showLogsOnFailure(system: System, onTestFailed: TestContext['onTestFailed']): void {
  // Read now, not then: by then the processes have been stopped, which is not what the reader looks for.
  onTestFailed(() => console.error(system.logs()))
}
