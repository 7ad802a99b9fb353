import type { FaultCase } from '../fault-case.ts'
import { API_CASES } from './api.ts'
import { WORKER_CASES } from './worker.ts'

/** All faults there are. docs/faults.md is made from it. */
export const CASES: readonly FaultCase[] = [...API_CASES, ...WORKER_CASES]
