import { z } from 'zod'
import { ByteCount, idParam, Sha256 } from './fields.ts'

/** Shards of an open job. */
export const MAX_SHARDS = 100_000

/** Files of one page of a plan. */
export const MAX_PLANNED_FILES = 10_000

/** Seconds that an open job may wait to be sealed: 30 days. */
const MAX_DEADLINE_SECONDS = 30 * 86_400

export const OpenJobRequest = z
  .strictObject({
    artifact_path: z.string().default('').meta({
      description: 'Directory of the run that all files of the job are put in',
      example: 'checkpoints/step-1000',
    }),
    atomic: z
      .boolean()
      .default(true)
      .meta({ description: 'Show none of the files before the job is sealed and all are delivered' }),
    shards: z.int().min(1).max(MAX_SHARDS).optional().meta({
      description: 'The job is sealed when each of the shards 0 to `shards` - 1 is',
    }),
    expected_files: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'Files that it must have when it is sealed' }),
    deadline: z.iso
      .datetime({ offset: true })
      .optional()
      .meta({ description: 'When it fails, if it is not sealed by then: ISO 8601 with an offset or Z' }),
    deadline_seconds: z
      .int()
      .min(1)
      .max(MAX_DEADLINE_SECONDS)
      .optional()
      .meta({ description: 'The same, in seconds from now' }),
  })
  .refine((job) => job.deadline === undefined || job.deadline_seconds === undefined, {
    message: 'give deadline or deadline_seconds, not both',
  })
  .meta({ id: 'OpenJob' })
export type OpenJobRequest = z.output<typeof OpenJobRequest>

export const SealJobRequest = z
  .strictObject({
    shard: z.int().min(0).max(MAX_SHARDS).optional().meta({ description: 'The shard that is complete' }),
    files: z.int().min(0).optional().meta({ description: 'Files that the job must have' }),
    manifest_sha256: Sha256.optional().meta({
      description:
        'SHA-256 of a line `path TAB size TAB sha256 LF` for each file of the job, in the order of the bytes of their paths in the run',
    }),
  })
  .meta({ id: 'SealJob' })

export const UploadParams = z.strictObject({ run_id: idParam('run'), job_id: idParam('open job') })

export const PlanRequest = z
  .strictObject({
    files: z
      .array(z.strictObject({ path: z.string().min(1), size: ByteCount, sha256: Sha256 }))
      .min(1)
      .max(MAX_PLANNED_FILES)
      .meta({
        description: 'What the client has; paths are below the directory of the job, and none comes twice',
      }),
    copy: z.boolean().default(true).meta({
      description:
        'Add files to the job whose bytes an artifact of the tenant in the same bucket has, whatever its path and run: the store copies them. With `false` they are needed',
    }),
  })
  .meta({ id: 'Plan' })

export const PlanResponse = z
  .strictObject({
    needed: z
      .array(z.string())
      .meta({ description: 'Paths of the files to be sent, as they were asked for' }),
    held: z
      .int()
      .min(0)
      .meta({ description: 'Files that the job, or the run, holds already at their paths' }),
    copied: z.int().min(0).meta({
      description:
        'Files that were added to the job, to be copied from artifacts with the same bytes. One whose source is deleted before it is copied fails with `copy_source_gone`: another plan tells that it is needed, and sending it to the open job puts it right',
    }),
  })
  .meta({ id: 'PlanAnswer' })
export type PlanResponse = z.output<typeof PlanResponse>
