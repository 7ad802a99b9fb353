import { z } from 'zod'
import {
  ByteCount,
  flag,
  idField,
  idParam,
  NextCursor,
  optionalFlag,
  PAGE_FIELDS,
  Sha256,
  Timestamp,
} from './fields.ts'
import { JobStateName } from './jobs.ts'

export const ArtifactParams = z.strictObject({
  run_id: idParam('run'),
  path: z.string().meta({
    description: 'Path of the artifact, percent-encoded once; slashes may stand as they are',
    example: 'models/model.pkl',
  }),
})

/** What a directory can be downloaded as. */
export const ArchiveFormat = z
  .enum(['tar', 'tar.gz', 'zip'])
  .meta({ description: 'All that lies below the directory, streamed as one archive' })
export type ArchiveFormat = z.output<typeof ArchiveFormat>

export const ListArtifactsQuery = z.strictObject({
  path: z.string().default('').meta({ description: 'A directory of the run; empty is its root' }),
  recursive: flag('All files below the directory, instead of what lies directly in it'),
  archive: ArchiveFormat.optional(),
  ...PAGE_FIELDS,
})

export const GetArtifactQuery = z.strictObject({ archive: ArchiveFormat.optional() })

export const DeleteArtifactQuery = z.strictObject({
  recursive: flag('Delete a directory with all that lies below it, as a job'),
})

export const ArtifactFile = z
  .strictObject({
    path: z.string(),
    is_dir: z.literal(false),
    size: ByteCount,
    sha256: z.string(),
    type: z.string().meta({ description: 'Kind of artifact, by its extension', example: 'model' }),
    content_type: z.string(),
    uri: z.string(),
    etag: z.string(),
    state: z.enum(['stored', 'replacing']),
    job_id: idField('job that stored it'),
    stored_at: Timestamp,
    verified_at: Timestamp.optional().meta({
      description: 'When the object was last read back and compared, if it was since it was stored',
    }),
    rot: z.enum(['missing', 'damaged']).optional().meta({
      description: 'What was found when it was read back: no object any more, or one with other bytes',
    }),
    rotted_at: Timestamp.optional().meta({ description: 'When that was first found' }),
    mode: z.int().min(0).max(0o7777).optional().meta({
      description: 'Unix permission bits, where an archive brought them: 420 is 0644',
      example: 420,
    }),
    mtime: Timestamp.optional().meta({
      description: 'When the file was last modified, where an archive told it',
    }),
  })
  .meta({ id: 'ArtifactFile' })
export type ArtifactFile = z.output<typeof ArtifactFile>

export const ArtifactDirectoryEntry = z
  .strictObject({ path: z.string(), is_dir: z.literal(true) })
  .meta({ id: 'ArtifactDirectory' })
export type ArtifactDirectoryEntry = z.output<typeof ArtifactDirectoryEntry>

export const ArtifactListResponse = z
  .strictObject({
    artifacts: z.array(z.discriminatedUnion('is_dir', [ArtifactFile, ArtifactDirectoryEntry])),
    next_cursor: NextCursor,
  })
  .meta({ id: 'ArtifactList' })
export type ArtifactListResponse = z.output<typeof ArtifactListResponse>

/** One file of a `manifest` field: what the client says it sends. */
export const ManifestEntry = z
  .strictObject({ path: z.string().min(1), size: ByteCount, sha256: Sha256 })
  .meta({ id: 'ManifestEntry' })
export const Manifest = z.array(ManifestEntry).min(1)
export type Manifest = z.output<typeof Manifest>

const JobIdQuery = z
  .string()
  .optional()
  .meta({ description: 'An open job of the run, to which the files are added', format: 'uuid' })

export const PutArtifactQuery = z.strictObject({ job_id: JobIdQuery })

export const LogArtifactQuery = z.strictObject({
  job_id: JobIdQuery,
  atomic: optionalFlag('Show none of the files before all are delivered; false when it is left out'),
})

export const LogArtifactsQuery = z.strictObject({
  artifact_path: z
    .string()
    .optional()
    .meta({ description: 'Directory of the run that the files are put in', example: 'evaluation' }),
  job_id: JobIdQuery,
  atomic: optionalFlag('Show none of the files before all are delivered; true when it is left out'),
})

/** The parts of the form of log-artifact. */
export const LogArtifactForm = z
  .strictObject({
    file: z.array(z.string().meta({ format: 'binary' })).meta({
      description: 'One or more files; a filename may carry relative directories',
    }),
    artifact_path: z.string().optional().meta({ description: 'Directory of the run', example: 'models/' }),
    sha256: Sha256.optional().meta({ description: 'SHA-256 of the file; with exactly one file' }),
    manifest: z
      .string()
      .optional()
      .meta({ description: 'JSON array of {path, size, sha256}, one for each file' }),
  })
  .meta({ id: 'LogArtifactForm' })

/** Paths that a receipt lists; the files of the job are listed in pages, all of them. */
export const MAX_LISTED_ARTIFACTS = 1000

/** The receipt: the bytes are kept, and the job says what becomes of them. */
export const AcceptedResponse = z
  .strictObject({
    message: z.string().meta({ example: 'Artifact accepted' }),
    run_id: idField('run'),
    artifact: z.string().meta({ description: 'Path of the (first) artifact', example: 'models/model.pkl' }),
    artifacts: z
      .array(z.string())
      .max(MAX_LISTED_ARTIFACTS)
      .meta({
        description: `Paths of the artifacts of the request, the first ${MAX_LISTED_ARTIFACTS} of them; an empty directory's ends in a slash`,
      }),
    files: z.int().min(1).meta({ description: 'Files and empty directories of the request' }),
    bytes: ByteCount.meta({ description: 'Bytes of its files' }),
    job_id: idField('job'),
    status_url: z.string(),
    state: JobStateName,
  })
  .meta({ id: 'Accepted' })
export type AcceptedResponse = z.output<typeof AcceptedResponse>
