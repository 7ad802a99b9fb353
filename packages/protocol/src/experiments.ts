import { z } from 'zod'
import { flag, idField, idParam, Name, NextCursor, PAGE_FIELDS, Timestamp } from './fields.ts'

export const ExperimentParams = z.strictObject({ experiment_id: idParam('experiment') })

export const CreateExperimentRequest = z
  .strictObject({
    name: Name,
    artifact_location: z.string().min(1).max(2048).optional().meta({
      description:
        'Where its artifacts lie; must be inside the roots that the operator allows for the tenant',
      example: 's3://team-bucket/fraud/',
    }),
  })
  .meta({ id: 'CreateExperiment' })

export const ListExperimentsQuery = z.strictObject({
  name: Name.optional().meta({ description: 'The one experiment of exactly this name' }),
  deleted: flag('List the deleted experiments instead of the live ones'),
  ...PAGE_FIELDS,
})

export const ExperimentResponse = z
  .strictObject({
    experiment_id: idField('experiment'),
    name: z.string(),
    artifact_location: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Timestamp.nullable(),
  })
  .meta({ id: 'Experiment' })
export type ExperimentResponse = z.output<typeof ExperimentResponse>

export const ExperimentListResponse = z
  .strictObject({ experiments: z.array(ExperimentResponse), next_cursor: NextCursor })
  .meta({ id: 'ExperimentList' })
export type ExperimentListResponse = z.output<typeof ExperimentListResponse>
