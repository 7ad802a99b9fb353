import { z } from 'zod'
import { idField, idParam, Name, NextCursor, PAGE_FIELDS, Timestamp } from './fields.ts'

export const RunParams = z.strictObject({ run_id: idParam('run') })

export const RunStatus = z.enum(['RUNNING', 'FINISHED', 'FAILED', 'KILLED'])

export const CreateRunRequest = z.strictObject({ name: Name.optional() }).meta({ id: 'CreateRun' })

export const UpdateRunRequest = z
  .strictObject({
    status: RunStatus.optional(),
    ended_at: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'ISO 8601 with an offset or Z', example: '2026-01-31T09:30:00Z' }),
    name: Name.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'give at least one of status, ended_at and name')
  .meta({ id: 'UpdateRun' })

export const ListRunsQuery = z.strictObject(PAGE_FIELDS)

export const RunResponse = z
  .strictObject({
    run_id: idField('run'),
    experiment_id: idField('experiment'),
    name: z.string(),
    status: RunStatus,
    artifact_uri: z.string().meta({ description: 'Below which the artifacts of the run lie' }),
    started_at: Timestamp,
    ended_at: Timestamp.nullable(),
  })
  .meta({ id: 'Run' })
export type RunResponse = z.output<typeof RunResponse>

export const RunListResponse = z
  .strictObject({ runs: z.array(RunResponse), next_cursor: NextCursor })
  .meta({ id: 'RunList' })
export type RunListResponse = z.output<typeof RunListResponse>
