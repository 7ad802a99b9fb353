import { newId, type TenantId } from '@lading/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/provided.ts'
import { openMigrated } from './fixtures/harbour.ts'
import type { Catalog } from './open.ts'

let catalog: Catalog

beforeAll(async () => {
  catalog = await openMigrated(await freshDatabase())
})

afterAll(() => catalog.close())

const PAGE = { limit: 100, cursor: undefined }
const aTenant = () => `t-${newId()}` as TenantId

test('an experiment lies where it was asked to, or below its own id in the default bucket', async () => {
  const tenant = aTenant()
  const { experiments } = catalog.api
  const one = await experiments.create(tenant, { name: 'one', location: undefined })
  expect(one).toEqual({
    experimentId: one.experimentId,
    tenantId: tenant,
    name: 'one',
    location: { bucket: 'bucket', prefix: `experiments/${one.experimentId}/` },
    createdAt: expect.any(Date),
    updatedAt: expect.any(Date),
    deletedAt: undefined,
  })
  const location = { bucket: 'other', prefix: 'team/ünï/' }
  expect(await experiments.create(tenant, { name: 'two', location })).toMatchObject({ location })
  expect(
    await experiments.create(tenant, { name: 'three', location: { bucket: 'b', prefix: '' } }),
  ).toMatchObject({
    location: { bucket: 'b', prefix: '' },
  })
})

test('of many who create the same name at once, one does, and the others are told its id', async () => {
  const tenant = aTenant()
  const { experiments } = catalog.api
  const given = { name: 'same :name ?', location: undefined }
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => experiments.create(tenant, given)))
  const created = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  expect(created).toHaveLength(1)
  await expect(experiments.create(tenant, given)).rejects.toMatchObject({
    code: 'experiment_exists',
    detail: `name: experiment ${created[0]?.experimentId} has this name`,
  })
  expect(await experiments.getByName(tenant, given.name)).toEqual(created[0])
  expect(await experiments.create(aTenant(), given)).toMatchObject({ name: given.name })
})

test('a deleted experiment keeps its name, is listed as deleted, and can be restored', async () => {
  const tenant = aTenant()
  const { experiments, runs } = catalog.api
  const { experimentId } = await experiments.create(tenant, { name: 'x', location: undefined })
  const deleted = await experiments.delete(tenant, experimentId)
  expect(deleted?.deletedAt).toBeInstanceOf(Date)
  expect((await experiments.delete(tenant, experimentId))?.deletedAt).toEqual(deleted?.deletedAt)
  await expect(experiments.create(tenant, { name: 'x', location: undefined })).rejects.toMatchObject({
    code: 'experiment_exists',
    detail: `name: experiment ${experimentId} has this name and is deleted; restore it, or take another name`,
  })
  await expect(runs.create(tenant, { experimentId, name: undefined })).rejects.toMatchObject({
    code: 'experiment_deleted',
  })
  expect((await experiments.list(tenant, { ...PAGE, deleted: true })).items).toHaveLength(1)
  expect((await experiments.list(tenant, { ...PAGE, deleted: false })).items).toEqual([])
  expect(await experiments.restore(tenant, experimentId)).toMatchObject({ deletedAt: undefined })
  expect((await experiments.list(tenant, { ...PAGE, deleted: false })).items).toHaveLength(1)
  await runs.create(tenant, { experimentId, name: undefined })
})

test('experiments and runs are listed oldest first, page by page', async () => {
  const tenant = aTenant()
  const { experiments, runs } = catalog.api
  const created: string[] = []
  for (let n = 0; n < 5; n++) {
    created.push((await experiments.create(tenant, { name: `${n}`, location: undefined })).experimentId)
  }
  const experimentId = created[0] ?? ''
  const started: string[] = []
  for (let n = 0; n < 5; n++) {
    started.push((await runs.create(tenant, { experimentId, name: undefined })).runId)
  }
  for (const limit of [1, 2, 5, 6]) {
    const seen = { experiments: [] as string[], runs: [] as string[] }
    let cursor: string | undefined
    do {
      const page = await experiments.list(tenant, { limit, cursor, deleted: false })
      seen.experiments.push(...page.items.map((one) => one.experimentId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    do {
      const page = await runs.listByExperiment(tenant, experimentId, { limit, cursor })
      seen.runs.push(...page.items.map((one) => one.runId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(seen).toEqual({ experiments: created, runs: started })
  }
})

test('a run lies below its experiment, and is named after its id when it was given no name', async () => {
  const tenant = aTenant()
  const { experiments, runs } = catalog.api
  const location = { bucket: 'b', prefix: 'p/' }
  const { experimentId } = await experiments.create(tenant, { name: 'x', location })
  const run = await runs.create(tenant, { experimentId, name: undefined })
  expect(run).toEqual({
    runId: run.runId,
    tenantId: tenant,
    experimentId,
    name: `run-${run.runId.slice(-8)}`,
    status: 'RUNNING',
    location: { bucket: 'b', prefix: `p/runs/${run.runId}/artifacts/` },
    startedAt: expect.any(Date),
    endedAt: undefined,
  })
  expect(await runs.get(tenant, run.runId)).toEqual(run)
  expect(await runs.create(tenant, { experimentId, name: 'mine' })).toMatchObject({ name: 'mine' })
  await expect(runs.create(tenant, { experimentId: newId(), name: undefined })).rejects.toMatchObject({
    code: 'experiment_not_found',
  })
})

test('a run has an end time from when it ended until it runs again', async () => {
  const tenant = aTenant()
  const { experiments, runs } = catalog.api
  const { experimentId } = await experiments.create(tenant, { name: 'x', location: undefined })
  const { runId } = await runs.create(tenant, { experimentId, name: undefined })
  const ended = await runs.update(tenant, runId, { status: 'FAILED' })
  expect(ended).toMatchObject({ status: 'FAILED', endedAt: expect.any(Date) })
  expect(await runs.update(tenant, runId, { name: 'renamed' })).toEqual({ ...ended, name: 'renamed' })
  expect(await runs.update(tenant, runId, { status: 'FINISHED' })).toMatchObject({ endedAt: ended?.endedAt })
  const endedAt = new Date('2026-01-02T03:04:05.678Z')
  expect(await runs.update(tenant, runId, { endedAt })).toMatchObject({ status: 'FINISHED', endedAt })
  expect(await runs.update(tenant, runId, { status: 'RUNNING' })).toMatchObject({ endedAt: undefined })
  expect(await runs.update(tenant, runId, { status: 'KILLED', endedAt })).toMatchObject({ endedAt })
  expect(await runs.update(tenant, runId, {})).toMatchObject({ status: 'KILLED', name: 'renamed', endedAt })
})

test('experiments and runs of another tenant are as if they were not there', async () => {
  const [mine, theirs] = [aTenant(), aTenant()]
  const { experiments, runs } = catalog.api
  const { experimentId } = await experiments.create(theirs, { name: 'x', location: undefined })
  const { runId } = await runs.create(theirs, { experimentId, name: undefined })
  expect(await experiments.get(mine, experimentId)).toBeUndefined()
  expect(await experiments.getByName(mine, 'x')).toBeUndefined()
  expect(await experiments.delete(mine, experimentId)).toBeUndefined()
  expect(await experiments.restore(mine, experimentId)).toBeUndefined()
  expect((await experiments.list(mine, { ...PAGE, deleted: false })).items).toEqual([])
  expect(await runs.get(mine, runId)).toBeUndefined()
  expect(await runs.update(mine, runId, { name: 'stolen' })).toBeUndefined()
  expect((await runs.listByExperiment(mine, experimentId, PAGE)).items).toEqual([])
  await expect(runs.create(mine, { experimentId, name: undefined })).rejects.toMatchObject({
    code: 'experiment_not_found',
  })
  expect(await runs.get(theirs, runId)).toMatchObject({ status: 'RUNNING' })
})
