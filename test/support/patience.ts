/** Milliseconds for a whole test, and for one thing that it waits for: for what hangs, on a machine that does much besides. */
export const TEST_LIMIT = { timeout: 300_000 }
export const WITHIN = { within: 120_000 }
