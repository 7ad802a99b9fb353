import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TEST_LIMIT } from '../support/patience.ts'
import { type System, type SystemOptions, startSystem } from '../support/system.ts'
import { sharedServers } from './shared-servers.ts'
import { showLogsOnFailure } from './show-logs.ts'
import { testArtifacts } from './suite/artifacts.ts'
import { testConcurrency } from './suite/concurrency.ts'
import { testCopies } from './suite/copies.ts'
import { testDirectories } from './suite/directories.ts'
import { testFirstSteps } from './suite/first-steps.ts'
import { testIdempotency } from './suite/idempotency.ts'
import { testJobs } from './suite/jobs.ts'
import { testOpenJobs } from './suite/open-jobs.ts'
import { testRoundTrips } from './suite/round-trips.ts'
import { testTenants } from './suite/tenants.ts'

/** Gives the system that the suite runs against; it is up when a test runs. */
export type Given = () => System

/** The whole of Lading through real processes, as its users see it. */
export function describeSystem(name: string, options: Omit<SystemOptions, 'servers'>): void {
  describe(name, TEST_LIMIT, () => {
    let system: System
    beforeAll(async () => {
      system = await startSystem({ ...options, servers: sharedServers() })
    })
    afterAll(() => system?.stop())
    beforeEach(({ onTestFailed }) => showLogsOnFailure(system, onTestFailed))
    const given: Given = () => system

    describe('first steps', () => testFirstSteps(given))
    describe('round trips', () => testRoundTrips(given))
    describe('idempotency', () => testIdempotency(given))
    describe('artifacts', () => testArtifacts(given))
    describe('directories', () => testDirectories(given))
    describe('open jobs', () => testOpenJobs(given))
    describe('copies', () => testCopies(given))
    describe('jobs', () => testJobs(given))
    describe('tenants', () => testTenants(given))
    describe('concurrency', () => testConcurrency(given))

    test('after all of this, store, catalog and spool agree, and nothing is left over', async () => {
      const report = await system.audit()
      expect(report.artifacts).toBeGreaterThan(500)
      expect(report.jobs.failed).toBeUndefined()
    })
  })
}
