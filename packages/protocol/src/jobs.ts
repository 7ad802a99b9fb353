import { z } from 'zod'
import { ERRORS } from './errors.ts'
import { ByteCount, idField, idParam, NextCursor, PAGE_FIELDS, Timestamp, WaitSeconds } from './fields.ts'

export const JobStateName = z.enum(['open', 'queued', 'running', 'completed', 'failed', 'cancelled'])
export const FileStateName = z.enum(['spooled', 'uploading', 'failed', 'stored', 'superseded', 'cancelled'])

/** Jobs that one request may ask for by id: so many fit in the 8 KiB that common proxies allow for a URL. */
export const MAX_JOB_IDS = 200

export const JobParams = z.strictObject({ job_id: idParam('job') })
export const GetJobQuery = z.strictObject({ wait: WaitSeconds })

export const ListJobsQuery = z.strictObject({
  ids: z
    .string()
    .min(1)
    .transform((text) => text.split(','))
    .pipe(z.array(z.string().min(1)).max(MAX_JOB_IDS))
    .optional()
    .meta({
      description: `Ids separated by commas, at most ${MAX_JOB_IDS}; with it, give no other parameter`,
    }),
  run_id: z.string().optional().meta({ description: 'Jobs of this run only' }),
  state: JobStateName.optional(),
  ...PAGE_FIELDS,
})

export const ListJobFilesQuery = z.strictObject({ state: FileStateName.optional(), ...PAGE_FIELDS })

const ErrorCodeName = z.enum(Object.keys(ERRORS) as [keyof typeof ERRORS, ...(keyof typeof ERRORS)[]])

export const JobError = z
  .strictObject({
    code: ErrorCodeName,
    title: z.string(),
    detail: z.string(),
    path: z.string().optional().meta({ description: 'The file it befell' }),
    retryable: z.boolean(),
  })
  .meta({ id: 'JobError' })

const Count = z.int().min(0)

export const JobResponse = z
  .strictObject({
    job_id: idField('job'),
    run_id: idField('run'),
    kind: z.enum(['upload', 'delete']).meta({
      description: '`delete`: its files are objects that are deleted, and count as stored when they are gone',
    }),
    state: JobStateName,
    atomic: z.boolean().meta({ description: 'Shows its artifacts at one instant, when all are delivered' }),
    artifact_path: z.string().meta({ description: 'Of a job that was opened: directory of all its files' }),
    shards: z
      .int()
      .nullable()
      .meta({ description: 'Shards that must be sealed each, if it was opened with such' }),
    files: z.strictObject({
      total: Count,
      done: Count.meta({ description: 'Files that have ended, in whatever way' }),
      stored: Count,
      failed: Count,
      superseded: Count,
      cancelled: Count,
    }),
    bytes: z.strictObject({ total: ByteCount, done: ByteCount }),
    cancel_requested: z.boolean(),
    error: JobError.optional(),
    created_at: Timestamp,
    started_at: Timestamp.nullable(),
    ended_at: Timestamp.nullable(),
    sealed_at: Timestamp.nullable().meta({ description: 'Since when nothing can be added to it' }),
    deadline: Timestamp.nullable().meta({ description: 'When it fails, if it is not sealed by then' }),
    status_url: z.string(),
    files_url: z.string(),
  })
  .meta({ id: 'Job' })
export type JobResponse = z.output<typeof JobResponse>

export const JobListResponse = z
  .strictObject({ jobs: z.array(JobResponse), next_cursor: NextCursor })
  .meta({ id: 'JobList' })
export type JobListResponse = z.output<typeof JobListResponse>

export const JobFileResponse = z
  .strictObject({
    file_id: idField('file'),
    path: z.string(),
    size: ByteCount,
    sha256: z.string(),
    state: FileStateName,
    error: JobError.omit({ path: true }).optional(),
    ended_at: Timestamp.nullable(),
  })
  .meta({ id: 'JobFile' })
export type JobFileResponse = z.output<typeof JobFileResponse>

export const JobFileListResponse = z
  .strictObject({ files: z.array(JobFileResponse), next_cursor: NextCursor })
  .meta({ id: 'JobFileList' })
export type JobFileListResponse = z.output<typeof JobFileListResponse>
